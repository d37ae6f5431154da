-- One row per place, sex and age band: what living persons add to the place's own numbers, as in fold_shift.
-- direct_*: Those whose parent is this place
-- key: source, place, sex, band
-- after: fold_part
-- analyze: all
with shift as (
    select
        part.source,
        part.place,
        part.sex,
        part.band,
        coalesce(sum(part.sign) filter (where part.is_direct), 0)::int as direct_persons,
        coalesce(sum(part.sign) filter (where part.is_direct and part.is_patient), 0)::int as direct_patients,
        sum(part.sign)::int as total_persons,
        coalesce(sum(part.sign) filter (where part.is_patient), 0)::int as total_patients
    from pg_temp.fold_part as part
    where part.band is not null
    group by part.source, part.place, part.sex, part.band
)

select
    shift.source, shift.place, shift.sex, shift.band,
    shift.direct_persons, shift.direct_patients, shift.total_persons, shift.total_patients
from shift
where (shift.direct_persons, shift.direct_patients, shift.total_persons, shift.total_patients) <> (0, 0, 0, 0)
