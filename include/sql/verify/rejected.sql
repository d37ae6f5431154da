-- Adds what was rejected before the comparison began: it may not be in CouchDB any more.
insert into pg_temp.difference (id)
select rejected.id
from ops.rejected_document as rejected
where rejected.source = %(source)s and rejected.batch <= %(batch)s
on conflict (id) do nothing
