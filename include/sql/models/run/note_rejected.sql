-- Notes whether the set of rejected documents has changed, for the marts that count them.
insert into ops.relation as kept (name, hash)
select
    'rejected',
    md5(coalesce(string_agg(
        format('%s %s %s', rejected.source, encode(rejected.id, 'hex'), rejected._rev), ' ' order by rejected.source,
            rejected.id
    ), ''))
from ops.rejected_document as rejected
on conflict (name) do update set hash = excluded.hash, version = kept.version + 1 where kept.hash <> excluded.hash
