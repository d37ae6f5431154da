-- Locks the checkpoint of a source that is copied in ranges until the page is committed. The lock is shared with the
-- other ranges. Returns the batch; all rows of all ranges get the next one.
select batch
from ops.checkpoint
where source = %s and generation = %s and mode = 'copying'
for share
