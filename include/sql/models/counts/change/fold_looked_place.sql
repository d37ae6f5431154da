-- One row per place that is in fold_look or in a cycle, as it is counted now. The top of each cycle has no place above it.
-- key: source, _id
-- after: fold_up, fold_cycle_now
-- index: source, _id
select
    own.source,
    own._id,
    own.name,
    own.contact_type,
    own.parent_uuid,
    case when cycle.top = own._id then null else own.up end as up,
    own.household,
    own.is_muted,
    own.is_orphan,
    cycle.uuid is not null as in_cycle
from pg_temp.fold_up as own
left join pg_temp.fold_cycle_now as cycle on cycle.source = own.source and cycle.uuid = own._id
union all
select
    cycle.source,
    cycle.uuid as _id,
    kept.name,
    kept.contact_type,
    kept.parent_uuid,
    case when cycle.top <> cycle.uuid then kept.effective_parent end as up,
    coalesce(kept.household, false) as household,
    coalesce(kept.is_muted, false) as is_muted,
    coalesce(kept.is_orphan, false) as is_orphan,
    true as in_cycle
from pg_temp.fold_cycle_now as cycle
left join model_data.place_count as kept on kept.source = cycle.source and kept.area_uuid = cycle.uuid
where not exists (select from pg_temp.fold_up as own where own.source = cycle.source and own._id = cycle.uuid)
