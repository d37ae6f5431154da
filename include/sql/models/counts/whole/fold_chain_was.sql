-- One row per position in an orphan's kept lineage.
-- key: source, uuid, position
-- make: view
select kept.source, kept.uuid, kept.position, kept.ancestor
from model_data.orphan_chain as kept
join pg_temp.fold_source on fold_source.source = kept.source
