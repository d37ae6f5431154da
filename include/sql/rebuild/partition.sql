-- The partition of a source: its name, its file, its pages, and whether the planner knows nothing of it; no row where the
-- source has no document.
select
    pg_class.oid::regclass::text,
    pg_relation_filenode(pg_class.oid),
    pg_relation_size(pg_class.oid) / current_setting('block_size')::bigint,
    pg_class.reltuples < 0
from (select document.tableoid from staging.document where document.source = %s limit 1) as found
join pg_class on pg_class.oid = found.tableoid
