-- One row per orphan: its kept row.
-- key: source, uuid
-- make: view
select kept.source, kept.uuid, kept.is_person, kept.parent_uuid, kept.effective_parent
from model_data.orphan as kept
join pg_temp.fold_source on fold_source.source = kept.source
