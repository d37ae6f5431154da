-- Notes when the batches that are taken in with this transaction are published: at one moment, later than any before.
-- Returns (source, after, upto) of each source that has such batches. Only one run at a time comes here.
with
behind as (
    select checkpoint.source, coalesce(shown.batch, 0) as after, checkpoint.batch as upto
    from ops.checkpoint
    left join ops.published_source as shown on shown.source = checkpoint.source
    where checkpoint.mode <> 'copying' and checkpoint.batch > coalesce(shown.batch, 0)
),
moment as (
    insert into ops.publication as last (published_at)
    select date_trunc('milliseconds', clock_timestamp() at time zone 'UTC')
    where exists (select from behind)
    on conflict (is_last) do update set
        published_at = greatest(excluded.published_at, last.published_at + interval '1 millisecond')
    returning last.published_at
),
published as (
    insert into ops.published (source, batch, published_at)
    select behind.source, number.batch, moment.published_at
    from behind
    cross join moment
    cross join lateral generate_series(behind.after + 1, behind.upto) as number (batch)
),
shown as (
    insert into ops.published_source as kept (source, batch)
    select behind.source, behind.upto
    from behind
    on conflict (source) do update set batch = excluded.batch
)
select behind.source, behind.after, behind.upto
from behind
