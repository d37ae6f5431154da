-- The next differences of these kinds behind that id; of one whose kind is not known, it is `unlisted` or `wrong`.
select difference.id, difference.listed_rev, difference.kind
from pg_temp.difference
where difference.id > %(after)s
    and coalesce(difference.kind, case when difference.listed_rev is null then 'unlisted' else 'wrong' end) = any(%(kinds)s)
order by difference.id
limit %(rows)s
