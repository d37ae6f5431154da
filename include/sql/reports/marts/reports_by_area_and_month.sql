-- One row per area above the household, month and form: the reports of it and of everything below it. A report counts in the
-- current area of its subject, else of its submitter. If that person is in no area, it counts as unplaced.
-- area_uuid: The place's _id; empty for unplaced
-- month: The first day of the month in which it was submitted, in the deployment's time zone; null if it cannot be read
-- form: The form's code
-- reports: The number of reports
-- complete: false until the first copy of the source is complete
-- key: source, area_uuid, month, form
-- reads: place_count, report_month
-- every: hour
select
    above.source,
    above.area_uuid,
    nullif(counted.month, '-infinity') as month,
    counted.form,
    sum(counted.reports)::bigint as reports,
    noted.caught_up_at is not null as complete
from models.report_month as counted
join models.area_above as above on above.source = counted.source and above.uuid = counted.area_uuid
left join ops.model_source as noted on noted.source = above.source
group by above.source, above.area_uuid, counted.month, counted.form, noted.caught_up_at
