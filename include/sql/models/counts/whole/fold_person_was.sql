-- One row per person: the kept row.
-- key: source, uuid
-- make: view
select
    kept.source, kept.uuid, kept.place, kept.is_direct, kept.is_patient, kept.is_deceased, kept.is_muted, kept.is_staff,
    kept.in_household, kept.sex, kept.band, kept.turns_on
from model_data.counted_person as kept
join pg_temp.fold_source on fold_source.source = kept.source
