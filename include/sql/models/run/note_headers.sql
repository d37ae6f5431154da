-- Notes that these relations have comments from these headers.
update ops.relation set header = file.header
from unnest(%(names)s::text[], %(headers)s::text[]) as file (name, header)
where relation.name = file.name
