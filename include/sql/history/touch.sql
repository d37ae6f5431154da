-- Notes a run that has changed what days are counted from. Those before it that reach back no further tell nothing more; nor
-- do those that every counted day has seen.
with beyond as (
    delete from ops.touched as kept
    where kept.since >= date_trunc('hour', %(since)s::timestamptz)
        or not exists (
            select from ops.counted_day as counted where counted.ends > kept.since and counted.run < kept.run
        )
)

insert into ops.touched (since)
values (date_trunc('hour', %(since)s::timestamptz))
