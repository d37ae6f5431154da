-- Our tables with rows by source, except the documents' partitions, and except ops.source: it names the sources until all other
-- rows are gone. A table comes before the tables that it refers to.
with recursive own as (
    select pg_class.oid as relation, pg_namespace.nspname, pg_class.relname
    from pg_class
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attname = 'source'
    where pg_class.relkind = 'r'
        and not pg_class.relispartition
        and pg_namespace.nspname in ('ops', 'staging', 'model_data', 'history')
        and (pg_namespace.nspname, pg_class.relname) <> ('ops', 'source')
        and not (pg_namespace.nspname = 'staging' and pg_class.relname like 'document\_%')
),
deep as (
    select own.relation, 0 as depth
    from own
    union
    select pg_constraint.confrelid, deep.depth + 1
    from deep
    join pg_constraint on pg_constraint.conrelid = deep.relation and pg_constraint.contype = 'f'
    where pg_constraint.confrelid <> pg_constraint.conrelid
)
select own.nspname::text, own.relname::text
from own
join deep on deep.relation = own.relation
group by own.nspname, own.relname
order by max(deep.depth), own.nspname, own.relname
