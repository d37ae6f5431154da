-- Locks the checkpoint of a copy that goes on as it was; returns its batch.
select batch
from ops.checkpoint
where source = %s and generation = %s and mode = 'incremental'
for update
