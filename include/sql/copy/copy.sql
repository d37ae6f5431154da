-- JSON contains neither of the two characters: so a document goes into the table as it came, without escapes.
copy pg_temp.page (line, id, reject_id, rev, deleted, altered, body, raw, reason)
from stdin with (format csv, delimiter e'\x02', quote e'\x01', escape e'\x01')
