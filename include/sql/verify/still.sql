-- Deletes from the page what was written since the comparison began: a repair never overwrites a newer row.
delete from pg_temp.page
where exists (
        select from staging.document
        where document.source = %(source)s and document._id = page.id and document.batch > %(batch)s
    )
    or exists (
        select from ops.rejected_document as rejected
        where rejected.source = %(source)s
            and rejected.id = coalesce(page.reject_id, convert_to(page.id, 'UTF8'))
            and rejected.batch > %(batch)s
    )
