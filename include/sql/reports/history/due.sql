-- The days that a daily run has to count up to `last`. `first`: the first of the last `longest` days that was never counted,
-- or not since something changed on or before it. `older_from`, `older_to`: the first and the last of the earlier counted days
-- that have to be counted again. A day before the first counted one is due only if something has changed on or before it.
with known as (
    select min(counted_day.day) as first
    from ops.counted_day
),

span as (
    select least(%(last)s::date - %(longest)s + 1, known.first) as first, %(last)s::date as last
    from known
),

stale as (
    select
        calendar.day,
        counted.day is not null as is_counted,
        span.last - calendar.day < %(longest)s as is_near
    from span
    cross join known
    cross join lateral (
        select span.first + n as day
        from generate_series(0, span.last - span.first) as n
    ) as calendar
    left join ops.counted_day as counted on counted.day = calendar.day
    where (counted.day is null and calendar.day > known.first)
        or exists (
            select
            from ops.touched
            where touched.run > coalesce(counted.run, 0)
                and (touched.since at time zone %(timezone)s)::date <= calendar.day
        )
)

select
    min(stale.day) filter (where stale.is_near) as first,
    min(stale.day) filter (where stale.is_counted and not stale.is_near) as older_from,
    max(stale.day) filter (where stale.is_counted and not stale.is_near) as older_to
from stale
