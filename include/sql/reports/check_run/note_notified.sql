-- Notes that the findings that fail are reported now, once a day.
update ops.check_result as result
set notified_at = now()
from ops.check_state as state
where state.name = result.name
    and state.level = 'fail'
    and coalesce(result.notified_at <= now() - interval '1 day', true)
