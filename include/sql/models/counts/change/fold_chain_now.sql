-- One row per position in the lineage of an orphan of fold_look, the nearest first.
-- key: source, uuid, position
-- after: fold_contact
-- make: view
select contact.source, contact._id as uuid, chain.position::int as position, chain.ancestor collate "C" as ancestor
from pg_temp.fold_contact as contact
cross join lateral unnest(contact.lineage) with ordinality as chain (ancestor, position)
