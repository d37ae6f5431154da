-- The partition of a source, if it still exists. The second column is true while it is being detached, null once it is detached.
select pg_class.relname::text, pg_inherits.inhdetachpending
from pg_class
join pg_namespace on pg_namespace.oid = pg_class.relnamespace and pg_namespace.nspname = 'staging'
left join pg_inherits on pg_inherits.inhrelid = pg_class.oid
where pg_class.relname = cht.partition_name(%s)
