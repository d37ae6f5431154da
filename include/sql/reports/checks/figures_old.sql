-- No copy and no mart is older than the fresh_within of its instance. A mart that is refreshed once an hour may be one hour
-- older.
-- level: warn
-- every: hour
-- repair: Look for a red task in cht_extract_<instance>, then in cht_marts
with seen as (
    select checkpoint.source, 'the copy' as part, checkpoint.caught_up_at as as_of, '0'::interval as allowed
    from ops.checkpoint
    union all
    select
        freshness.source,
        freshness.mart as part,
        freshness.as_of,
        case state.every when 'hour' then interval '1 hour' else '0' end as allowed
    from marts.freshness
    join ops.mart_state as state on state.mart = freshness.mart
)

select seen.source, null as area_uuid, seen.part || ' is older than its limit' as problem
from fresh_within
join ops.source on source.source = fresh_within.source
join seen on seen.source = fresh_within.source
where coalesce(seen.as_of, source.created_at) < now() - make_interval(secs => fresh_within.seconds) - seen.allowed
