-- What the checks have found, and whether it was reported within the last day.
select
    result.name,
    state.level,
    result.source,
    result.found,
    result.problems,
    coalesce(result.notified_at > now() - interval '1 day', false) as is_notified
from ops.check_result as result
join ops.check_state as state on state.name = result.name
where result.name = any(%s::text[])
order by result.name, result.source
