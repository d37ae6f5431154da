-- One row per submitter and month: the reports of that submitter.
-- contact_uuid: The submitter
-- month: The first day of the month of reported, in the deployment's time zone; -infinity if it cannot be read
-- reports: The number of reports
-- of: report
-- key: source, contact_uuid, month
select
    report.source,
    report.contact_uuid,
    cht.month(report.reported, deployment.timezone) as month,
    count(*)::int as reports
from tallied as report
cross join ops.deployment
where report.contact_uuid is not null
group by 1, 2, 3
