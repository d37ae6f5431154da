-- One row per person whose short code another person of the source also has.
-- patient_id: The short code
-- key: source, _id
-- index: source, patient_id
-- after: person
-- affected:
--   select other.source, other._id
--   from changed
--   join models.person as person on person.source = changed.source and person._id = changed._id
--   join models.person as other
--       on other.source = person.source and other.patient_id = person.patient_id and other._id <> person._id
--   left join models.duplicate as known on known.source = other.source and known._id = other._id
--   where known._id is null
--   union
--   select other.source, other._id
--   from changed
--   join models.duplicate as was on was.source = changed.source and was._id = changed._id
--   join models.duplicate as other on other.source = was.source and other.patient_id = was.patient_id
--   where not exists (
--       select
--       from models.person as person
--       where person.source = was.source and person.patient_id = was.patient_id and person._id <> other._id
--   )
select
    person.source,
    person._id,
    person.uuid,
    person.patient_id
from document
join models.person as person on person.source = document.source and person._id = document._id
where exists (
    select
    from models.person as other
    where other.source = person.source and other.patient_id = person.patient_id and other._id <> person._id
)
