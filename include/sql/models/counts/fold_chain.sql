-- One row per position in an orphan's lineage that differs from model_data.orphan_chain.
-- key: source, uuid, position
-- after: fold_chain_now, fold_chain_was
select
    now.source is null as is_gone,
    coalesce(now.source, was.source) as source,
    coalesce(now.uuid, was.uuid) as uuid,
    coalesce(now.position, was.position) as position,
    now.ancestor
from pg_temp.fold_chain_now as now
full join pg_temp.fold_chain_was as was
    on was.source = now.source and was.uuid = now.uuid and was.position = now.position
where was.ancestor is distinct from now.ancestor
