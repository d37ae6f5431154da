-- Begins a resync or a replace, from the start of the feed, and deletes what an earlier one has left. Returns the new
-- generation, by which a reader of the earlier copy can no longer write, and the base. A replay that is unfinished ends:
-- the feed brings the rejected documents again.
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
