-- Ids and revisions of a source's live documents in staging, in the order in which CouchDB lists them. Erased documents
-- are among them, so that they are not found missing.
copy (
    select document._id, document._rev
    from staging.document
    where document.source = {source}
        and not document._deleted
        and (document.gone is null or document.gone = 'erased')
    order by document._id
) to stdout
