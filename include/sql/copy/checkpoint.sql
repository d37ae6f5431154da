-- The checkpoint of a source.
select generation, reads, batch, seq, identity_kind, identity, mode, base, replay, seeded_at is not null
from ops.checkpoint
where source = %s
