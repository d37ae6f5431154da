-- One row a position in an orphan's lineage as it is kept.
-- key: source, uuid, position
-- make: view
select kept.source, kept.uuid, kept.position, kept.ancestor
from model_data.orphan_chain as kept
join pg_temp.fold_source on fold_source.source = kept.source
