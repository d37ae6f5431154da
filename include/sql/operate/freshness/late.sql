-- Each source that is older than its limit, with its oldest part: the copy, or a mart. A mart that is refreshed once an hour may
-- be an hour older. A source that was never copied to its end is as old as its first run.
with watched as (
    select given.source, given.seconds
    from unnest(%(sources)s::text[], %(seconds)s::float8[]) as given (source, seconds)
),
seen as (
    select source.source, 'the copy' as part, coalesce(checkpoint.caught_up_at, source.created_at) as as_of, '0'::interval as allowed
    from ops.source
    join ops.checkpoint on checkpoint.source = source.source
    union all
    select
        freshness.source,
        freshness.mart,
        coalesce(freshness.as_of, source.created_at),
        case state.every when 'hour' then interval '1 hour' else '0' end
    from marts.freshness
    join ops.mart_state as state on state.mart = freshness.mart
    join ops.source on source.source = freshness.source
)
select distinct on (watched.source)
    watched.source,
    seen.part,
    extract(epoch from clock_timestamp() - seen.as_of)::float8 as age,
    watched.seconds
from watched
join seen on seen.source = watched.source
where seen.as_of < clock_timestamp() - make_interval(secs => watched.seconds) - seen.allowed
order by watched.source, seen.as_of, seen.part
