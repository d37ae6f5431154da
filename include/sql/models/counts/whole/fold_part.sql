-- One row per person who is counted.
-- sign: 1; see change/fold_part.sql
-- key: source, uuid
-- after: fold_person_now
-- make: view
select
    1 as sign, person.source, person.uuid, person.place, person.is_direct, person.is_patient, person.is_deceased,
    person.is_muted, person.is_staff, person.in_household, person.sex, person.band
from pg_temp.fold_person_now as person
