-- Hands a source over to its feed if all its ranges are copied; returns whether it did.
with
handed as (
    update ops.checkpoint set
        mode = 'incremental',
        batch = batch + 1,
        reads = reads + 1,
        updated_at = now()
    where source = %(source)s
        and generation = %(generation)s
        and mode = 'copying'
        and not exists (
            select from ops.snapshot_range as unfinished
            where unfinished.source = %(source)s and unfinished.finished_at is null
        )
    returning source
),
done as (
    delete from ops.snapshot_range
    using handed
    where snapshot_range.source = handed.source
)
select exists (select from handed)
