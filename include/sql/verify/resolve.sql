-- Writes the kind of documents that CouchDB did not list, after they were requested by their ids. `kind` is null if one
-- is alive after all. That is no difference if its revision is the staged one, or if the document is rejected.
with
asked as (
    select found.id, found.rev, found.kind
    from unnest(%(ids)s::bytea[], %(revs)s::text[], %(kinds)s::text[]) as found (id, rev, kind)
),
same as (
    delete from pg_temp.difference
    using asked
    where asked.id = difference.id
        and asked.kind is null
        and (difference.staged_rev is null or difference.staged_rev = asked.rev)
    returning difference.id
)
update pg_temp.difference set
    listed_rev = asked.rev,
    kind = asked.kind
from asked
where asked.id = difference.id and not exists (select from same where same.id = difference.id)
