-- Notes from which hour on this run has changed what past days are counted from. It deletes the earlier notes that it covers,
-- which reach back no further, and those that every counted day has seen. Notes after the last counted day stay, since such
-- a day may be being counted right now.
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
