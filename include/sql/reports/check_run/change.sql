-- The tables that the checks read if they look at changes only. `document`: what has changed since the checks before, as far as
-- the models have taken it in. `area`: those whose counts were written since and that still exist, and a sample of others.
create temporary table document on commit drop as
select
    document.source,
    document._id,
    document.type,
    document.saved_timestamp,
    cht.is_modelled(document._deleted, document.gone, document.type) as is_live
from ops.model_source as noted
join ops.check_source as checked on checked.source = noted.source
join staging.document as document
    on document.source = noted.source
    and document.batch > checked.batch
    and document.batch <= noted.batch;

analyze pg_temp.document;

create temporary table area on commit drop as
select written.source, written.area_uuid
from ops.area_to_check as written
left join lateral (
    select kept.area_uuid
    from model_data.place_count as kept
    where kept.source = written.source and kept.area_uuid = written.area_uuid
    offset 0
) as kept on true
left join lateral (
    select place._id
    from models.place as place
    where place.source = written.source and place._id = written.area_uuid
    offset 0
) as place on true
where kept.area_uuid is not null or place._id is not null
union
select sample.source, sample.area_uuid
from (
    select kept.source, kept.area_uuid
    from model_data.place_count as kept
        tablesample system ((
            -- a percentage: all of a small table, about 200 rows of a large one
            select least(100, 20000 / greatest(pg_class.reltuples, 1))
            from pg_class
            where pg_class.oid = 'model_data.place_count'::regclass
        ))
    limit 200
) as sample;

analyze pg_temp.area;
