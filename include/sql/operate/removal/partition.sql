-- The partition of a source, where it is still there, with how far its detaching is: null is detached.
select pg_class.relname::text, pg_inherits.inhdetachpending
from pg_class
join pg_namespace on pg_namespace.oid = pg_class.relnamespace and pg_namespace.nspname = 'staging'
left join pg_inherits on pg_inherits.inhrelid = pg_class.oid
where pg_class.relname = cht.partition_name(%s)
