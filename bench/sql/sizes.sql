-- Bytes of the raw JSON, of tables and of indexes, by schema; partitions count with their table.
select
    (select sum(octet_length(document.doc::text)) from staging.document as document) as raw,
    sum(pg_table_size(pg_class.oid)) filter (where pg_namespace.nspname = 'staging') as staging_tables,
    sum(pg_indexes_size(pg_class.oid)) filter (where pg_namespace.nspname = 'staging') as staging_indexes,
    sum(pg_table_size(pg_class.oid)) filter (where pg_namespace.nspname = 'model_data') as model_tables,
    sum(pg_indexes_size(pg_class.oid)) filter (where pg_namespace.nspname = 'model_data') as model_indexes,
    sum(pg_total_relation_size(pg_class.oid)) filter (
        where pg_class.relname in ('place_count', 'counted_person', 'orphan', 'orphan_chain', 'cycle',
            'place_band_count')
    ) as counts
from pg_class
join pg_namespace on pg_namespace.oid = pg_class.relnamespace
where pg_class.relkind = 'r'
