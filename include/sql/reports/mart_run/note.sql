-- Notes what a mart was made from, and as of when each of its sources was. A source keeps its former time while a model that
-- the mart reads is late.
with mart as (
    insert into ops.mart_state as kept (mart, hash, reads, every, versions)
    select
        %(mart)s,
        %(hash)s,
        %(reads)s::text[],
        %(every)s,
        coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
    from ops.relation
    where relation.name = any(%(reads)s::text[])
    on conflict (mart) do update set
        hash = excluded.hash,
        reads = excluded.reads,
        every = excluded.every,
        versions = excluded.versions,
        refreshed_at = now()
    returning kept.mart
)

insert into ops.mart_source as kept (mart, source, as_of)
select
    mart.mart,
    noted.source,
    case when late.source is null then noted.caught_up_at else carried.as_of end
from mart
cross join ops.model_source as noted
left join ops.mart_source as carried on carried.mart = mart.mart and carried.source = noted.source
left join (
    select distinct late_model.source
    from ops.late_model
    where late_model.model = any(%(reads)s::text[])
) as late on late.source = noted.source
where cht.is_main(noted.source)
on conflict (mart, source) do update set as_of = excluded.as_of
