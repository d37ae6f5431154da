-- The documents that were just published. shadow.sql looks for them in the other sources.
create temporary table fresh on commit drop as
select document.source, document._id
from unnest(%(sources)s::text[], %(after)s::bigint[], %(upto)s::bigint[]) as due (source, after, upto)
-- a subquery with both bounds: the planner then reads the index, if it is a small part of a source
cross join lateral (
    select document.source, document._id
    from staging.document
    where document.source = due.source and document.batch > due.after and document.batch <= due.upto
    offset 0
) as document
