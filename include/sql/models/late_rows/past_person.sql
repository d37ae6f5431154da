-- The columns of persons from which past days are counted, as they were before this run of the models.
select
    person.source,
    person._id as uuid,
    person.saved_timestamp,
    person.reported as registered,
    person.died_on,
    person.died_at,
    person.is_patient,
    person.is_deceased
from {rows} as person
