-- The next differences of these kinds after an id. A difference without a kind counts as `unlisted` or `wrong`.
select difference.id, difference.listed_rev, difference.kind
from pg_temp.difference
where difference.id > %(after)s
    and coalesce(difference.kind, case when difference.listed_rev is null then 'unlisted' else 'wrong' end) = any(%(kinds)s)
order by difference.id
limit %(rows)s
