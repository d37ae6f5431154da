-- One row per person who differs from model_data.counted_person: the correct row, or only the key if the person is gone.
-- is_gone: Whether the person is kept, and is no person now
-- is_moved: Whether the person is counted in another place than before, or no longer
-- key: source, uuid
-- after: fold_person_now, fold_person_was
select
    now.source is null as is_gone,
    now.source is null or was.place is distinct from now.place as is_moved,
    coalesce(now.source, was.source) as source,
    coalesce(now.uuid, was.uuid) as uuid,
    now.place,
    now.is_direct,
    now.is_patient,
    now.is_deceased,
    now.is_muted,
    now.is_staff,
    now.in_household,
    now.sex,
    now.band,
    now.turns_on
from pg_temp.fold_person_now as now
full join pg_temp.fold_person_was as was on was.source = now.source and was.uuid = now.uuid
where now.source is null or was.source is null or (
    was.place, was.is_direct, was.is_patient, was.is_deceased, was.is_muted, was.is_staff, was.in_household, was.sex,
    was.band, was.turns_on
) is distinct from (
    now.place, now.is_direct, now.is_patient, now.is_deceased, now.is_muted, now.is_staff, now.in_household, now.sex,
    now.band, now.turns_on
)
