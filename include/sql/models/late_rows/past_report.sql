-- What days are counted from of reports, as it was before the run of the models.
select
    report.source,
    report._id as uuid,
    report.reported
from {rows} as report
where report.reported is not null
