-- The earliest day's moment at which a report has come, gone, or got another date; null where none has.
with now as (
    select record.source, record._id as uuid, record.reported
    from models.data_record as record
    where record.source = any(%(whole)s) and record.form is not null and record.reported is not null
    union all
    select record.source, record._id, record.reported
    from pg_temp.now_data_record as record
    where record.source <> all(%(whole)s) and record.form is not null and record.reported is not null
)

select min(least(now.reported, was.reported))
from now
full join pg_temp.past_data_record as was on was.source = now.source and was.uuid = now.uuid
where now.reported is distinct from was.reported
