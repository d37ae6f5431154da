-- About how many documents couch2pg has of all its sources.
select greatest(0, reltuples)::bigint
from pg_class
where oid = to_regclass(%s)
