-- Moves the checkpoint if no other run has moved it since this page was requested; returns the batch. A repair may have
-- taken batches meanwhile, but moves neither generation nor reads.
update ops.checkpoint set
    reads = reads + 1,
    batch = batch + %(changed)s,
    seq = %(seq)s,
    pending = %(pending)s,
    identity_kind = %(kind)s,
    identity = %(identity)s,
    caught_up_at = coalesce(%(caught_up_at)s, caught_up_at),
    updated_at = now()
where source = %(source)s
    and generation = %(generation)s
    and reads = %(reads)s
returning batch
