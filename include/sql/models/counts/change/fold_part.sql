-- For each person of fold_look, one row as counted now (sign 1) and one as kept (sign -1).
-- sign: The number that the row adds to the counts of its place
-- key: source, uuid, sign
-- after: fold_person_now, fold_person_was
-- make: view
select
    1 as sign, person.source, person.uuid, person.place, person.is_direct, person.is_patient, person.is_deceased,
    person.is_muted, person.is_staff, person.in_household, person.sex, person.band
from pg_temp.fold_person_now as person
union all
select
    -1 as sign, person.source, person.uuid, person.place, person.is_direct, person.is_patient, person.is_deceased,
    person.is_muted, person.is_staff, person.in_household, person.sex, person.band
from pg_temp.fold_person_was as person
