-- One row per place, as counted now, and one per source with an empty _id for persons in no place.
-- up: The place in whose totals it is counted
-- key: source, _id
-- after: fold_up, fold_cycle_now
-- index: source, _id
-- analyze: all
select
    place.source,
    place._id,
    place.name,
    place.contact_type,
    place.parent_uuid,
    case when cycle.top = place._id then null else own.up end as up,
    place.household,
    place.is_muted,
    own.is_orphan,
    cycle.uuid is not null as in_cycle
from models.place as place
join pg_temp.fold_up as own on own.source = place.source and own._id = place._id
left join pg_temp.fold_cycle_now as cycle on cycle.source = place.source and cycle.uuid = place._id
union all
select
    fold_source.source,
    '' as _id,
    'unplaced' as name,
    null as contact_type,
    null as parent_uuid,
    null as up,
    false as household,
    false as is_muted,
    false as is_orphan,
    false as in_cycle
from pg_temp.fold_source
