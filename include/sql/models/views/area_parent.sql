-- One row per area above the household that is in another such area.
-- uuid: The area
-- parent_uuid: The nearest area above it, in whose totals it is counted
-- parent_name: The name of that area
-- after: place_area
-- reads: place_count
select
    area.source,
    area.area_uuid as uuid,
    coalesce(direct.area_uuid, further.area_uuid) as parent_uuid,
    coalesce(direct.name, further.name) as parent_name
from model_data.place_count as area
-- usually the place directly above it
left join model_data.place_count as direct
    on direct.source = area.source and direct.area_uuid = area.effective_parent and not direct.household
left join lateral (
    select place.area_uuid, above.name
    from models.place_area as place
    join model_data.place_count as above on above.source = place.source and above.area_uuid = place.area_uuid
    where direct.area_uuid is null
      and place.source = area.source and place.uuid = area.effective_parent and place.area_uuid <> ''
    offset 0
) as further on true
where not area.household and coalesce(direct.area_uuid, further.area_uuid) is not null
