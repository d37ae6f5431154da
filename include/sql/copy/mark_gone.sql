-- Marks as gone what was there when the source's reading from its start began, and was not met since; returns how many
-- rows that changed. What was written since has a later batch than `base`.
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
