-- Begins to copy a source anew, from the start of its feed; what a try before has left is forgotten. Returns the new
-- generation and the batch at which it begins: a reader of before can no longer write. What was rejected is met again.
with
begun as (
    update ops.checkpoint set
        generation = generation + 1,
        mode = %(mode)s,
        base = batch,
        seq = '0',
        pending = null,
        replay = null,
        identity_kind = %(kind)s,
        identity = %(identity)s,
        updated_at = now()
    where source = %(source)s
        and generation = %(generation)s
        and reads = %(reads)s
    returning source, generation, batch
),
forgotten as (
    delete from staging.seen using begun where seen.source = begun.source
),
undone as (
    delete from staging.next using begun where next.source = begun.source
),
unrejected as (
    delete from staging.next_rejected using begun where next_rejected.source = begun.source
)
select generation, batch
from begun
