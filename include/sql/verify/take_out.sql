-- Marks documents that CouchDB no longer has as gone, and deletes them from the rejected ones, except those written since
-- the comparison began. Returns how many of these ids are settled.
with
named as (
    select cht.try_text(taken.id) as _id, taken.id, taken.kind
    from unnest(%(ids)s::bytea[], %(kinds)s::text[]) as taken (id, kind)
),
marked as (
    update staging.document set
        gone = named.kind,
        batch = %(new_batch)s,
        saved_timestamp = now()
    from named
    where document.source = %(source)s
        and document._id = named._id
        and document.batch <= %(batch)s
        and not document._deleted
        and document.gone is null
    returning named.id
),
unrejected as (
    delete from ops.rejected_document as rejected
    using named
    where rejected.source = %(source)s and rejected.id = named.id and rejected.batch <= %(batch)s
    returning named.id
)
select count(*)
from (
    select marked.id from marked
    union
    select unrejected.id from unrejected
) as settled
