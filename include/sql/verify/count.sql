-- Counts the differences by their kind.
select
    count(*) filter (where difference.kind is null and difference.staged_rev is null) as missing,
    count(*) filter (where difference.kind is null and difference.staged_rev is not null) as stale,
    count(*) filter (where difference.kind = 'deleted') as extra,
    count(*) filter (where difference.kind = 'purged') as purged,
    count(*) filter (where difference.kind = 'archived') as archived
from pg_temp.difference
