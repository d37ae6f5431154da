-- At the end of a resync or a replace: marks as gone the documents that were staged at its base, and were neither seen
-- nor written since. Rows written since have a later batch than `base`. Returns how many rows it changed.
with
gone as (
    update staging.document set
        gone = %(word)s,
        batch = %(batch)s,
        saved_timestamp = now()
    where document.source = %(source)s
        and document.batch <= %(base)s
        and not document._deleted
        and document.gone is null
        and not exists (
            select from staging.seen
            where seen.source = %(source)s and seen.id = convert_to(document._id, 'UTF8')
        )
    returning 1
),
unrejected as (
    delete from ops.rejected_document as rejected
    where rejected.source = %(source)s
        and rejected.batch <= %(base)s
        and not exists (
            select from staging.seen
            where seen.source = %(source)s and seen.id = rejected.id
        )
    returning 1
)
select (select count(*) from gone) + (select count(*) from unrejected)
