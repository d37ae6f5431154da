-- Publishes the batches that this transaction takes in. They all get one time, which is later than any time before.
-- Returns (source, after, upto) of each source that has such batches. Only one run at a time executes this.
with
due as (
    select checkpoint.source, coalesce(shown.batch, 0) as after, checkpoint.batch as upto
    from ops.checkpoint
    left join ops.published_source as shown on shown.source = checkpoint.source
    where checkpoint.mode <> 'copying' and checkpoint.batch > coalesce(shown.batch, 0)
),
moment as (
    insert into ops.publication as last (published_at)
    select date_trunc('milliseconds', clock_timestamp() at time zone 'UTC')
    where exists (select from due)
    on conflict (is_last) do update set
        published_at = greatest(excluded.published_at, last.published_at + interval '1 millisecond')
    returning last.published_at
),
published as (
    insert into ops.published (source, batch, published_at)
    select due.source, number.batch, moment.published_at
    from due
    cross join moment
    cross join lateral generate_series(due.after + 1, due.upto) as number (batch)
),
shown as (
    insert into ops.published_source as kept (source, batch)
    select due.source, due.upto
    from due
    on conflict (source) do update set batch = excluded.batch
)
select due.source, due.after, due.upto
from due
