-- The marts with something to do: (name, make) where the view is missing or its file has changed, (name, refresh) where
-- what it reads has changed since and it is due: with every run, or once in each hour of the clock, and
-- when a source was copied to its end for the first time; none before the models were first made. And the deployment's that have failed. The one
-- statement of a run with nothing new.
select
    file.name,
    case
        when state.hash is distinct from file.hash or to_regclass(format('marts.%%I', file.name)) is null then 'make'
        else 'refresh'
    end
from unnest(%(names)s::text[], %(hashes)s::text[], %(reads)s::text[], %(every)s::text[])
    as file (name, hash, reads, every)
left join ops.mart_state as state on state.mart = file.name
where exists (select from ops.relation) and (
    state.hash is distinct from file.hash
    or to_regclass(format('marts.%%I', file.name)) is null
    or (
        (
            file.every <> 'hour'
            or date_trunc('hour', state.refreshed_at) < date_trunc('hour', now())
            or exists (
                select
                from ops.model_source as noted
                left join ops.mart_source as carried on carried.mart = file.name and carried.source = noted.source
                where cht.is_main(noted.source) and noted.caught_up_at is not null and carried.as_of is null
            )
        )
        and state.versions is distinct from (
            select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
            from ops.relation
            where relation.name = any(string_to_array(file.reads, ','))
        )
    )
)
union all
select failing.file, 'failing'
from ops.failing
where failing.folder = 'marts'
