-- One row a contact whose place above may be another now: those that were done again, those that name a place that has come or
-- gone as their parent or in their lineage, those for whom an age band has begun, and whatever was in a cycle.
-- is_named: It was done again
-- is_gone: It was a place, and is one no longer
--
-- What is looked up in a kept table is looked up row by row (`lateral`, `offset 0`), here and below, however many rows it
-- has: the time that this takes is that of the change, not of the source.
-- key: source, _id
with named as (
    select todo.source, todo._id, area.area_uuid is not null as was_place, place._id is not null as is_place
    from pg_temp.fold_todo as todo
    join pg_temp.fold_source on fold_source.source = todo.source
    left join lateral (
        select kept.area_uuid
        from model_data.place_count as kept
        where kept.source = todo.source and kept.area_uuid = todo._id
        offset 0
    ) as area on true
    left join lateral (
        select place._id
        from models.place as place
        where place.source = todo.source and place._id = todo._id
        offset 0
    ) as place on true
),

turned as (
    select named.source, named._id
    from named
    where named.was_place <> named.is_place
),

look as (
    select named.source, named._id, true as is_named, named.was_place and not named.is_place as is_gone
    from named
    union all
    select turned.source, below._id, false as is_named, false as is_gone
    from turned
    cross join lateral (
        select contact._id
        from models.contact as contact
        where contact.source = turned.source and contact.parent_uuid = turned._id
        offset 0
    ) as below
    union all
    select turned.source, below.uuid as _id, false as is_named, false as is_gone
    from turned
    cross join lateral (
        select chain.uuid
        from model_data.orphan_chain as chain
        where chain.source = turned.source and chain.ancestor = turned._id
        offset 0
    ) as below
    union all
    select fold_source.source, turning.uuid as _id, false as is_named, false as is_gone
    from pg_temp.fold_source
    cross join lateral (
        select kept.uuid
        from model_data.counted_person as kept
        where kept.source = fold_source.source and kept.turns_on <= fold_source.today
        offset 0
    ) as turning
    union all
    select kept.source, kept.uuid as _id, false as is_named, false as is_gone
    from model_data.cycle as kept
    join pg_temp.fold_source on fold_source.source = kept.source
)

select look.source, look._id, bool_or(look.is_named) as is_named, bool_or(look.is_gone) as is_gone
from look
group by look.source, look._id
