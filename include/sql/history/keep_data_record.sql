-- The reports whose rows are about to be made again, as they are: of whole sources, or of the documents that are named.
insert into pg_temp.record_was (source, uuid, reported)
select record.source, record._id, record.reported
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
    select record._id, record.source, record.reported
    from models.data_record as record
    where record.source = named.source and record._id = named._id
        and record.form is not null and record.reported is not null
    offset 0
) as record
