-- One row per place: its kept counts.
-- key: source, area_uuid
-- make: view
select
    kept.source, kept.area_uuid, kept.name, kept.contact_type, kept.parent_uuid, kept.effective_parent,
    kept.household, kept.is_muted, kept.is_orphan, kept.in_cycle,
    kept.direct_persons, kept.direct_persons_muted, kept.direct_persons_deceased,
    kept.direct_patients, kept.direct_patients_muted, kept.direct_patients_deceased,
    kept.direct_households, kept.direct_staff, kept.direct_in_household,
    kept.total_persons, kept.total_persons_muted, kept.total_persons_deceased,
    kept.total_patients, kept.total_patients_muted, kept.total_patients_deceased,
    kept.total_households, kept.total_staff, kept.total_in_household
from model_data.place_count as kept
join pg_temp.fold_source on fold_source.source = kept.source
