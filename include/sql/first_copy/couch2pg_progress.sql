-- How far couch2pg is in the feed of each of its sources.
select source, seq
from {progress}
order by source
