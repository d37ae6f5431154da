-- The next rejected documents of a source after an id: up to a number of rows and of bytes, but at least one. `size` is
-- null if no body was kept.
select queued.id, queued._rev, queued.size
from (
    select
        rejected.id,
        rejected._rev,
        octet_length(rejected.body) as size,
        sum(octet_length(rejected.body)) over later as bytes,
        row_number() over later as number
    from (
        select waiting.id, waiting._rev, waiting.body
        from ops.rejected_document as waiting
        where waiting.source = %(source)s and waiting.id > %(after)s
        order by waiting.id
        limit %(rows)s
    ) as rejected
    window later as (order by rejected.id)
) as queued
where queued.number = 1 or coalesce(queued.bytes, 0) <= %(bytes)s
order by queued.id
