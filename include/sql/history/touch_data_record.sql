-- The earliest day's moment at which a report has come, gone, or got another date; null where none has.
with now as (
    select record.source, record._id as uuid, record.reported
    from models.data_record as record
    where record.source = any(%(whole)s) and record.form is not null and record.reported is not null
    union all
    select record.source, record._id, record.reported
    from (
        select distinct todo.source, todo._id
        from pg_temp.todo
        where todo.scope = any(%(scopes)s) and todo.source <> all(%(whole)s)
    ) as named
    cross join lateral (
        select record.source, record._id, record.reported
        from models.data_record as record
        where record.source = named.source and record._id = named._id
            and record.form is not null and record.reported is not null
        offset 0
    ) as record
)

select min(least(now.reported, was.reported))
from now
full join pg_temp.record_was as was on was.source = now.source and was.uuid = now.uuid
where now.reported is distinct from was.reported
