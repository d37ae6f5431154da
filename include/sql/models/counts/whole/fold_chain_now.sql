-- One row per position in the lineage that an orphan's document embeds, the nearest first.
-- key: source, uuid, position
-- after: fold_stranded
-- index: source, uuid, position
-- analyze: all
select contact.source, contact.uuid, embedded.position::int as position, embedded._id collate "C" as ancestor
from pg_temp.fold_stranded as contact
join staging.document as document on document.source = contact.source and document._id = contact.uuid
cross join lateral unnest(cht.lineage(document.doc -> 'parent')) with ordinality as embedded (_id, position)
