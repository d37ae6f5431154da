-- One row per person who may be counted in another place, or in another area above the household, than before: persons who
-- are counted in another place, and those in households that have another place above them, at any depth.
--
-- Usually no area has moved. Without statistics of fold_area the planner expects millions of rows and allocates memory for
-- them, which takes longer than all else.
-- key: source, uuid
-- after: fold_area, fold_person
-- analyze: all
with recursive turned as (
    select new.source, new.area_uuid as place
    from pg_temp.fold_area as new
    where new.is_moved
    union
    select turned.source, place.area_uuid as place
    from turned
    cross join lateral (
        select contact._id
        from models.contact as contact
        where contact.source = turned.source and contact.parent_uuid = turned.place
        union all
        select chain.uuid
        from model_data.orphan_chain as chain
        where chain.source = turned.source and chain.ancestor = turned.place
    ) as below
    cross join lateral (
        select kept.area_uuid
        from model_data.place_count as kept
        where kept.source = turned.source and kept.area_uuid = below._id and kept.household
        offset 0
    ) as place
)

select new.source, new.uuid
from pg_temp.fold_person as new
where new.is_moved
union
select turned.source, person._id
from turned
join models.person as person on person.source = turned.source and person.parent_uuid = turned.place
union
select turned.source, chain.uuid
from turned
join model_data.orphan_chain as chain on chain.source = turned.source and chain.ancestor = turned.place
