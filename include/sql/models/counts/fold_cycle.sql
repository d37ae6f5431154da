-- One row per place in a cycle that differs from model_data.cycle.
-- key: source, uuid
-- after: fold_cycle_now, fold_cycle_was
select
    now.source is null as is_gone,
    coalesce(now.source, was.source) as source,
    coalesce(now.uuid, was.uuid) as uuid,
    now.top
from pg_temp.fold_cycle_now as now
full join pg_temp.fold_cycle_was as was on was.source = now.source and was.uuid = now.uuid
where was.top is distinct from now.top
