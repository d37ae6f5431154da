-- The earliest day's moment at which a report has come, gone, or got another date; null where none has.
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
