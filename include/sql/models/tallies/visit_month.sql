-- One row per place and month: the reports about it, or about a person who is counted in it now. Most such places are
-- households.
-- place_uuid: The place that was visited according to the form, else the place in which the subject is counted
-- month: The first day of the month of reported, in the deployment's time zone; -infinity if it cannot be read
-- reports: The number of reports
-- of: report
-- key: source, place_uuid, month
-- reads: person_area, place_area
-- moved:
--   select report.source, report._id
--   from moved
--   join models.report as report on report.source = moved.source and report.subject_uuid = moved.uuid
--   where report.visited_uuid is null
select
    report.source,
    coalesce(report.visited_uuid, person.place_uuid) collate "C" as place_uuid,
    cht.month(report.reported, deployment.timezone) as month,
    count(*)::int as reports
from tallied as report
cross join ops.deployment
left join models.person_area as person
    on report.visited_uuid is null and person.source = report.source and person.uuid = report.subject_uuid
where coalesce(report.visited_uuid, nullif(person.place_uuid, '')) is not null
group by 1, 2, 3
