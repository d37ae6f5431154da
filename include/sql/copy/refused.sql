-- The next of what a source has refused, behind that id: as many as come to so many rows, or bytes, but at least one.
-- `size` is null where no body was kept.
select queued.id, queued._rev, queued.size
from (
    select
        refused.id,
        refused._rev,
        octet_length(refused.body) as size,
        sum(octet_length(refused.body)) over later as bytes,
        row_number() over later as number
    from (
        select waiting.id, waiting._rev, waiting.body
        from ops.rejected_document as waiting
        where waiting.source = %(source)s and waiting.id > %(behind)s
        order by waiting.id
        limit %(rows)s
    ) as refused
    window later as (order by refused.id)
) as queued
where queued.number = 1 or coalesce(queued.bytes, 0) <= %(bytes)s
order by queued.id
