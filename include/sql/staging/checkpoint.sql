-- Where the copy of a source stands.
select generation, reads, batch, seq, identity_kind, identity
from ops.checkpoint
where source = %s
