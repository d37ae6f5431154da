-- What days are counted from of reports, as it was before the run of the models.
select
    record.source,
    record._id as uuid,
    record.reported
from {rows} as record
where record.form is not null and record.reported is not null
