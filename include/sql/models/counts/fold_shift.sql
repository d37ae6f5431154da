-- One row per place: what persons add to its own numbers. If whole sources are counted, these are its own numbers; if a
-- change is counted, these are the differences. A place whose numbers stay the same has no row.
-- persons_muted, patients_muted: Those alive who are muted themselves
-- direct_*: Those whose parent is this place
-- key: source, place
-- after: fold_part
with shift as (
    select
        part.source,
        part.place,
        sum(part.sign)::int as persons,
        coalesce(sum(part.sign) filter (where part.is_muted and not part.is_deceased), 0)::int as persons_muted,
        coalesce(sum(part.sign) filter (where part.is_deceased), 0)::int as persons_deceased,
        coalesce(sum(part.sign) filter (where part.is_patient), 0)::int as patients,
        coalesce(sum(part.sign) filter (where part.is_patient and part.is_muted and not part.is_deceased), 0)::int
            as patients_muted,
        coalesce(sum(part.sign) filter (where part.is_patient and part.is_deceased), 0)::int as patients_deceased,
        coalesce(sum(part.sign) filter (where part.is_staff), 0)::int as staff,
        coalesce(sum(part.sign) filter (where part.in_household), 0)::int as in_household,
        coalesce(sum(part.sign) filter (where part.is_direct), 0)::int as direct_persons,
        coalesce(sum(part.sign) filter (where part.is_direct and part.is_muted and not part.is_deceased), 0)::int
            as direct_persons_muted,
        coalesce(sum(part.sign) filter (where part.is_direct and part.is_deceased), 0)::int as direct_persons_deceased,
        coalesce(sum(part.sign) filter (where part.is_direct and part.is_patient), 0)::int as direct_patients,
        coalesce(sum(part.sign) filter (
            where part.is_direct and part.is_patient and part.is_muted and not part.is_deceased
        ), 0)::int as direct_patients_muted,
        coalesce(sum(part.sign) filter (where part.is_direct and part.is_patient and part.is_deceased), 0)::int
            as direct_patients_deceased,
        coalesce(sum(part.sign) filter (where part.is_direct and part.is_staff), 0)::int as direct_staff,
        coalesce(sum(part.sign) filter (where part.is_direct and part.in_household), 0)::int as direct_in_household
    from pg_temp.fold_part as part
    group by part.source, part.place
)

select
    shift.source, shift.place,
    shift.persons, shift.persons_muted, shift.persons_deceased,
    shift.patients, shift.patients_muted, shift.patients_deceased,
    shift.staff, shift.in_household,
    shift.direct_persons, shift.direct_persons_muted, shift.direct_persons_deceased,
    shift.direct_patients, shift.direct_patients_muted, shift.direct_patients_deceased,
    shift.direct_staff, shift.direct_in_household
from shift
where (
    shift.persons, shift.persons_muted, shift.persons_deceased, shift.patients, shift.patients_muted,
    shift.patients_deceased, shift.staff, shift.in_household, shift.direct_persons, shift.direct_persons_muted,
    shift.direct_persons_deceased, shift.direct_patients, shift.direct_patients_muted, shift.direct_patients_deceased,
    shift.direct_staff, shift.direct_in_household
) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
