-- One row per patient: a person with a patient_id.
-- patient_id: The short code; null if it is too long for an index
-- in_household: Whether the parent is a household
-- is_staff: Whether some user's settings name this person
-- key: source, _id
-- index: source, patient_id
-- after: person
select
    person.source,
    person._id,
    person.uuid,
    person.saved_timestamp,
    person.patient_id,
    person.in_household,
    person.is_staff
from document
join models.person as person on person.source = document.source and person._id = document._id
where person.is_patient
