-- The persons who may be counted in another place or area above the household than before, of the differences that
-- place_count.sql or area_change.sql has found and area_write.sql has not written yet: all who are counted in another place, and
-- those in households that have something else above them, at any depth.
--
-- Mostly no area is: not known to be none, so many are reckoned with that to make room for them takes longer than all else.
analyze pg_temp.fold_area (is_moved);

create temporary table moved on commit drop as
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
join model_data.orphan_chain as chain on chain.source = turned.source and chain.ancestor = turned.place;

analyze pg_temp.moved;
