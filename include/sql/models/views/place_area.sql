-- One row per live place, with the nearest area above the household.
-- uuid: The place's _id
-- area_uuid: The place itself, or for a household the nearest place above it that is not a household; empty if there is none
-- household: Whether it is a household
-- reads: place_count
select
    place.source,
    place.area_uuid as uuid,
    case
        when not place.household then place.area_uuid
        when not above.household then above.area_uuid
        else coalesce(further.area_uuid, '')
    end collate "C" as area_uuid,
    place.household
from model_data.place_count as place
left join model_data.place_count as above on above.source = place.source and above.area_uuid = place.effective_parent
left join lateral (
    -- a household in a household
    with recursive up as (
        select above.area_uuid, above.household, above.effective_parent, 1 as step
        where place.household and above.household
        union all
        select area.area_uuid, area.household, area.effective_parent, up.step + 1 as step
        from up
        join model_data.place_count as area on area.source = place.source and area.area_uuid = up.effective_parent
        -- it ends even if the kept parents form a circle
        where up.household and up.step < 1000
    )

    select up.area_uuid
    from up
    where not up.household
) as further on true
where place.area_uuid <> ''
