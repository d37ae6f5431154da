-- The marts that are due. (name, make): the view is missing, or its file has changed. (name, refresh): what it reads has
-- changed; a mart of every hour waits for the next hour of the clock, unless a source was copied to its end for the first time.
-- (file, failing): a mart of the deployment has failed. No mart is due before the models were first made.
-- A run with nothing new executes only this statement.
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
