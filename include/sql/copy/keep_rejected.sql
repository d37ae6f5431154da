-- Deletes from the page each document that is no longer rejected in the revision that was tried.
delete from pg_temp.page
where not exists (
    select
    from unnest(%(ids)s::bytea[], %(revs)s::text[]) as tried (id, rev)
    join ops.rejected_document as rejected
        on rejected.source = %(source)s and rejected.id = tried.id and rejected._rev = tried.rev
    where tried.id = coalesce(page.reject_id, convert_to(page.id, 'UTF8'))
)
