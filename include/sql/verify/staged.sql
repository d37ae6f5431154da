-- Ids and revisions of what a source has staged alive, in the order in which CouchDB lists them. Of whoever was erased on
-- request the row is there too: nothing of it is missing.
copy (
    select document._id, document._rev
    from staging.document
    where document.source = {source}
        and not document._deleted
        and (document.gone is null or document.gone = 'erased')
    order by document._id
) to stdout
