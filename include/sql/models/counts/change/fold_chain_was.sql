-- One row per position in the kept lineage of an orphan of fold_look.
-- key: source, uuid, position
-- after: fold_orphan_was
-- make: view
select orphan.source, orphan.uuid, chain.position, chain.ancestor
from pg_temp.fold_orphan_was as orphan
cross join lateral (
    select chain.position, chain.ancestor
    from model_data.orphan_chain as chain
    where chain.source = orphan.source and chain.uuid = orphan.uuid
    offset 0
) as chain
