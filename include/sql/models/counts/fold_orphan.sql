-- One row per orphan that differs from model_data.orphan: the correct row, or only the key if it is no orphan now.
-- key: source, uuid
-- after: fold_orphan_now, fold_orphan_was
select
    now.source is null as is_gone,
    coalesce(now.source, was.source) as source,
    coalesce(now.uuid, was.uuid) as uuid,
    now.is_person,
    now.parent_uuid,
    now.effective_parent
from pg_temp.fold_orphan_now as now
full join pg_temp.fold_orphan_was as was on was.source = now.source and was.uuid = now.uuid
where now.source is null or was.source is null
    or (was.is_person, was.parent_uuid, was.effective_parent)
        is distinct from (now.is_person, now.parent_uuid, now.effective_parent)
