-- One row per place that the change touches: places in fold_look or in a cycle, removed places, places in which persons are
-- counted differently now, and all places above these, the former ones and the present ones.
-- was_up: The place above it, as kept
-- up: The place above it now
-- is_looked_at: Whether it has a row in fold_looked_place
-- is_gone: Whether it was a place, and is none now
-- key: source, _id
-- after: fold_contact, fold_looked_place, fold_shift, fold_band_shift
-- analyze: all
with recursive reached as (
    select seed.source, seed._id, own._id is not null as is_looked_at, own.up as looked_up,
        kept.effective_parent as was_up
    from (
        select own.source, own._id
        from pg_temp.fold_looked_place as own
        union
        select contact.source, contact._id
        from pg_temp.fold_contact as contact
        where contact.is_gone
        union
        select shift.source, shift.place
        from pg_temp.fold_shift as shift
        union
        select shift.source, shift.place
        from pg_temp.fold_band_shift as shift
    ) as seed
    left join pg_temp.fold_looked_place as own on own.source = seed.source and own._id = seed._id
    left join lateral (
        select kept.effective_parent
        from model_data.place_count as kept
        where kept.source = seed.source and kept.area_uuid = seed._id
        offset 0
    ) as kept on true
    union
    select above.source, above._id, own._id is not null as is_looked_at, own.up as looked_up,
        kept.effective_parent as was_up
    from (
        select distinct reached.source, way.up as _id
        from reached
        cross join lateral (values (reached.looked_up), (reached.was_up)) as way (up)
        where way.up is not null
    ) as above
    left join pg_temp.fold_looked_place as own on own.source = above.source and own._id = above._id
    left join lateral (
        select kept.effective_parent
        from model_data.place_count as kept
        where kept.source = above.source and kept.area_uuid = above._id
        offset 0
    ) as kept on true
)

select
    reached.source,
    reached._id,
    reached.was_up,
    case when reached.is_looked_at then reached.looked_up else reached.was_up end as up,
    reached.is_looked_at,
    not reached.is_looked_at and gone._id is not null as is_gone
from reached
left join pg_temp.fold_contact as gone on gone.source = reached.source and gone._id = reached._id and gone.is_gone
