-- Nobody is counted twice in an area. From each place one path leads up through live places to a top, and passes none twice.
-- Each person is in the one place at which that path begins.
-- level: fail
-- every: run
-- reads: place_count, contact, person, place
-- repair: Trigger cht_marts with the source under Recount
with recursive above as (
    select area.source, area.area_uuid, area.area_uuid as place, array[area.area_uuid] as path, false as is_round
    from area
    union all
    select
        above.source,
        above.area_uuid,
        place.effective_parent as place,
        above.path || place.effective_parent,
        place.effective_parent = any(above.path) as is_round
    from above
    cross join lateral (
        select kept.effective_parent
        from model_data.place_count as kept
        where kept.source = above.source and kept.area_uuid = above.place
        offset 0
    ) as place
    where place.effective_parent is not null and not above.is_round
),

-- where a person should be counted: in the parent if that is a place, else as an orphan, else in no place
person as (
    select
        person.source,
        kept.place,
        coalesce(place._id, orphan.effective_parent, '') as should
    from document
    join models.person as person on person.source = document.source and person._id = document._id
    left join models.place as place on place.source = person.source and place._id = person.parent_uuid
    left join models.orphan as orphan on orphan.source = person.source and orphan.uuid = person._id
    left join model_data.counted_person as kept on kept.source = person.source and kept.uuid = person._id
)

select above.source, above.area_uuid, 'a path up that forms a circle' as problem
from above
where above.is_round
union all
select above.source, above.area_uuid, 'a path up that ends at a missing place' as problem
from above
left join lateral (
    select kept.area_uuid
    from model_data.place_count as kept
    where kept.source = above.source and kept.area_uuid = above.place
    offset 0
) as place on true
where place.area_uuid is null
union all
select person.source, nullif(coalesce(person.place, person.should), '') as area_uuid,
    'a person counted in another place' as problem
from person
where person.place is distinct from person.should
