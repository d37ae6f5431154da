-- Notes a run that has changed what days are counted from. Those before it that reach back no further tell nothing more; nor
-- do those that every counted day has seen. Of later days nothing is known: one may just be counted.
with beyond as (
    delete from ops.touched as kept
    where kept.since >= date_trunc('hour', %(since)s::timestamptz)
        or (
            kept.since < (select max(counted.ends) from ops.counted_day as counted)
            and not exists (
                select from ops.counted_day as counted where counted.ends > kept.since and counted.run < kept.run
            )
        )
)

insert into ops.touched (since)
values (date_trunc('hour', %(since)s::timestamptz))
