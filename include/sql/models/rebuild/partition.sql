-- The partition of a source: its name, its file, its number of pages, and whether the planner lacks statistics of it; nulls if
-- the source has no document. Also the batch up to which these pages are complete. One statement reads both, since whatever
-- is committed later has a later batch.
select
    pg_class.oid::regclass::text,
    pg_relation_filenode(pg_class.oid),
    coalesce(pg_relation_size(pg_class.oid) / current_setting('block_size')::bigint, 0),
    coalesce(pg_class.reltuples < 0, false),
    checkpoint.batch
from ops.checkpoint
left join (
    select document.tableoid from staging.document where document.source = %(source)s limit 1
) as found on true
left join pg_class on pg_class.oid = found.tableoid
where checkpoint.source = %(source)s
