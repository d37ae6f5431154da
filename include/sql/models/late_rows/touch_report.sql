-- The earliest date of a report that this run has added, removed or given another date; null if there is none.
with now as (
    select report.source, report._id as uuid, report.reported
    from models.report as report
    where report.source = any(%(whole)s) and report.reported is not null
    union all
    select report.source, report._id, report.reported
    from pg_temp.now_report as report
    where report.source <> all(%(whole)s) and report.reported is not null
)

select min(least(now.reported, was.reported))
from now
full join pg_temp.past_report as was on was.source = now.source and was.uuid = now.uuid
where now.reported is distinct from was.reported
