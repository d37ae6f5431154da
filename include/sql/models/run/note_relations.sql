-- Notes that these relations have changed: their rows, or the files that define them.
insert into ops.relation as kept (name, hash)
select changed.name, changed.hash
from unnest(%(names)s::text[], %(hashes)s::text[]) as changed (name, hash)
on conflict (name) do update set hash = excluded.hash, version = kept.version + 1
