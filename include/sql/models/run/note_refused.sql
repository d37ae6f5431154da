-- Notes whether other documents are refused than before, for the marts that tell of them.
insert into ops.relation as kept (name, hash)
select
    'refused',
    md5(coalesce(string_agg(
        format('%s %s %s', refused.source, encode(refused.id, 'hex'), refused._rev), ' ' order by refused.source, refused.id
    ), ''))
from ops.rejected_document as refused
on conflict (name) do update set hash = excluded.hash, version = kept.version + 1 where kept.hash <> excluded.hash
