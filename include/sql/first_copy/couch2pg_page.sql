-- The next documents of a source that couch2pg has, in the order in which its key has them; in any other they would be
-- sorted anew for each page. `rev` is null where the row is none that couch2pg writes.
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
