-- The columns of reports from which past days are counted, as they were before this run of the models.
select
    report.source,
    report._id as uuid,
    report.reported
from {rows} as report
where report.reported is not null
