-- The persons whose rows are about to be made again, as they are: of whole sources, or of the documents that are named.
insert into pg_temp.person_was
    (source, uuid, saved_timestamp, registered, died_on, died_at, is_patient, is_deceased)
select
    person.source, person._id, person.saved_timestamp, person.reported, person.died_on, person.died_at, person.is_patient,
    person.is_deceased
from models.person as person
where person.source = any(%(whole)s)
union all
select
    person.source, person._id, person.saved_timestamp, person.reported, person.died_on, person.died_at, person.is_patient,
    person.is_deceased
from (
    select distinct todo.source, todo._id
    from pg_temp.todo
    where todo.scope = any(%(scopes)s) and todo.source <> all(%(whole)s)
) as named
cross join lateral (
    select person.*
    from models.person as person
    where person.source = named.source and person._id = named._id
    offset 0
) as person
