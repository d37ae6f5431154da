-- Deletes the differences that are no errors: documents that have changed since (`not_yet`), those that are rejected in
-- that very revision (`rejected`), and those that were erased on request. Returns the number of the first two.
with
not_yet as (
    delete from pg_temp.difference
    where exists (select from pg_temp.named where named.id = difference.id)
    returning difference.listed_rev, difference.staged_rev
),
rejected as (
    delete from pg_temp.difference
    using ops.rejected_document as kept
    where kept.source = %(source)s
        and kept.id = difference.id
        and kept._rev = difference.listed_rev
        and not exists (select from pg_temp.named where named.id = difference.id)
    returning 1
),
erased as (
    delete from pg_temp.difference
    using staging.document
    where document.source = %(source)s
        and document._id = cht.try_text(difference.id)
        and document.gone = 'erased'
        and difference.listed_rev is null
        and not exists (select from pg_temp.named where named.id = difference.id)
)
select
    (select count(*) from not_yet where coalesce(not_yet.listed_rev, not_yet.staged_rev) is not null),
    (select count(*) from rejected)
