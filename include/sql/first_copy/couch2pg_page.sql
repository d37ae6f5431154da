-- The next documents of a source in couch2pg's table, in the order of its key: any other order would need a sort for each
-- page. `rev` is null if couch2pg cannot have written the row.
select
    couchdb._id,
    coalesce(couchdb._deleted, false) or coalesce(couchdb.doc ->> '_deleted' = 'true', false) as deleted,
    case
        when couchdb.doc ->> '_id' = couchdb._id and couchdb.doc ->> '_rev' ~ '^[1-9][0-9]*-[^ ]+$'
            then couchdb.doc ->> '_rev'
    end as rev,
    couchdb.doc::text as body
from {table} as couchdb
where couchdb.source = %(name)s and couchdb._id > %(after)s
order by couchdb._id
limit %(rows)s
