-- Ends a resync or a replace: the next mode is incremental. Returns the batch.
with
forgotten as (
    delete from staging.seen where seen.source = %(source)s
),
undone as (
    delete from staging.next where next.source = %(source)s
),
unrejected as (
    delete from staging.next_rejected where next_rejected.source = %(source)s
)
update ops.checkpoint set
    mode = 'incremental',
    base = null,
    seeded_at = null,
    batch = batch + %(changed)s,
    updated_at = now()
where source = %(source)s
returning batch
