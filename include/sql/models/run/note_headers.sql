-- Notes the headers from which the comments of these relations were written.
update ops.relation set header = file.header
from unnest(%(names)s::text[], %(headers)s::text[]) as file (name, header)
where relation.name = file.name
