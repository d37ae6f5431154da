-- One row per contact that has to be counted again: its document was done again; its parent, or a place in its lineage, was
-- added or removed; the person has reached another age band; or the place was in a cycle.
-- is_named: Whether its document was done again
-- is_gone: Whether it was a place, and is none now
--
-- Here and in the files that read this, kept tables are read by a lookup for each row (`lateral`, `offset 0`), however large
-- they are. So the time depends on the size of the change, not on that of the source.
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
