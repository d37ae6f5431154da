-- Writes what fold_area has found into model_data.place_count. Unchanged counts are not written, so that the marts that read
-- them are not refreshed.
merge into model_data.place_count as kept
using pg_temp.fold_area as new
on kept.source = new.source and kept.area_uuid = new.area_uuid
when matched and new.is_gone then delete
when matched then update set
    name = new.name,
    contact_type = new.contact_type,
    parent_uuid = new.parent_uuid,
    effective_parent = new.effective_parent,
    household = new.household,
    is_muted = new.is_muted,
    is_orphan = new.is_orphan,
    in_cycle = new.in_cycle,
    direct_persons = new.direct_persons,
    direct_persons_muted = new.direct_persons_muted,
    direct_persons_deceased = new.direct_persons_deceased,
    direct_patients = new.direct_patients,
    direct_patients_muted = new.direct_patients_muted,
    direct_patients_deceased = new.direct_patients_deceased,
    direct_households = new.direct_households,
    direct_staff = new.direct_staff,
    direct_in_household = new.direct_in_household,
    total_persons = new.total_persons,
    total_persons_muted = new.total_persons_muted,
    total_persons_deceased = new.total_persons_deceased,
    total_patients = new.total_patients,
    total_patients_muted = new.total_patients_muted,
    total_patients_deceased = new.total_patients_deceased,
    total_households = new.total_households,
    total_staff = new.total_staff,
    total_in_household = new.total_in_household
when not matched and not new.is_gone then insert (
    source, area_uuid, name, contact_type, parent_uuid, effective_parent, household, is_muted, is_orphan, in_cycle,
    direct_persons, direct_persons_muted, direct_persons_deceased,
    direct_patients, direct_patients_muted, direct_patients_deceased,
    direct_households, direct_staff, direct_in_household,
    total_persons, total_persons_muted, total_persons_deceased,
    total_patients, total_patients_muted, total_patients_deceased,
    total_households, total_staff, total_in_household
) values (
    new.source, new.area_uuid, new.name, new.contact_type, new.parent_uuid, new.effective_parent, new.household,
    new.is_muted, new.is_orphan, new.in_cycle,
    new.direct_persons, new.direct_persons_muted, new.direct_persons_deceased,
    new.direct_patients, new.direct_patients_muted, new.direct_patients_deceased,
    new.direct_households, new.direct_staff, new.direct_in_household,
    new.total_persons, new.total_persons_muted, new.total_persons_deceased,
    new.total_patients, new.total_patients_muted, new.total_patients_deceased,
    new.total_households, new.total_staff, new.total_in_household
)
