-- One row an area above the household, month and form: the reports of it and of everything below it. A report is where the
-- person is counted now that it is about, else its submitter; that of nobody who is in an area is in the empty one.
-- area_uuid: The place's _id; empty for unplaced
-- month: The first day of the month in which it was submitted, in the deployment's time zone; null where that can't be read
-- form: The form's code
-- reports: How many
-- complete: false until the source was first copied to its end
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
