-- One row per area above the household, month and form: its reports.
-- area_uuid: The nearest area above the household in which the subject is counted now, or the submitter if there is no subject; empty if there is none
-- month: The first day of the month of reported, in the deployment's time zone; -infinity if it cannot be read
-- form: The form's code
-- reports: The number of reports
-- of: report
-- key: source, area_uuid, month, form
-- reads: person_area, place_area
-- moved:
--   select report.source, report._id
--   from moved
--   join models.report as report on report.source = moved.source and report.subject_uuid = moved.uuid
--   union all
--   select report.source, report._id
--   from moved
--   join models.report as report on report.source = moved.source and report.contact_uuid = moved.uuid
--   where report.subject_uuid is null
select
    report.source,
    coalesce(person.area_uuid, '') collate "C" as area_uuid,
    cht.month(report.reported, deployment.timezone) as month,
    report.form,
    count(*)::int as reports
from tallied as report
cross join ops.deployment
left join models.person_area as person
    on person.source = report.source and person.uuid = coalesce(report.subject_uuid, report.contact_uuid)
group by 1, 2, 3, 4
