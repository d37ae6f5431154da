-- Adds what was refused before the comparison began: it may not be in CouchDB any more.
insert into pg_temp.difference (id)
select refused.id
from ops.rejected_document as refused
where refused.source = %(source)s and refused.batch <= %(batch)s
on conflict (id) do nothing
