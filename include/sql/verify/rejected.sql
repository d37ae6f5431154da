-- Adds the documents that were rejected before the comparison began: they may no longer be in CouchDB.
insert into pg_temp.difference (id)
select rejected.id
from ops.rejected_document as rejected
where rejected.source = %(source)s and rejected.batch <= %(batch)s
on conflict (id) do nothing
