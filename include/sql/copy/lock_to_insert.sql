-- Holds the checkpoint of a source that is copied in ranges, beside the other ranges, until the page is committed; returns
-- the batch, behind which all that is copied this way gets the next one.
select batch
from ops.checkpoint
where source = %s and generation = %s and mode = 'copying'
for share
