-- The documents of what was just published, to be looked for in the other sources.
create temporary table fresh on commit drop as
select document.source, document._id
from unnest(%(sources)s::text[], %(after)s::bigint[], %(upto)s::bigint[]) as behind (source, after, upto)
-- apart, with both ends: so it is read by the index, where it is little of a source
cross join lateral (
    select document.source, document._id
    from staging.document
    where document.source = behind.source and document.batch > behind.after and document.batch <= behind.upto
    offset 0
) as document
