-- One row per place in a cycle: its kept row.
-- key: source, uuid
-- make: view
select kept.source, kept.uuid, kept.top
from model_data.cycle as kept
join pg_temp.fold_source on fold_source.source = kept.source
