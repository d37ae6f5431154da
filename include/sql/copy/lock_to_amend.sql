-- Locks the checkpoint if the mode is incremental and the generation is still the same; returns the batch.
select batch
from ops.checkpoint
where source = %s and generation = %s and mode = 'incremental'
for update
