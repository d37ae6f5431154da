-- One row per contact of fold_look that was counted as a person: its kept row.
-- key: source, uuid
-- after: fold_look
select
    look.source, look._id as uuid, kept.place, kept.is_direct, kept.is_patient, kept.is_deceased, kept.is_muted,
    kept.is_staff, kept.in_household, kept.sex, kept.band, kept.turns_on
from pg_temp.fold_look as look
cross join lateral (
    select
        kept.place, kept.is_direct, kept.is_patient, kept.is_deceased, kept.is_muted, kept.is_staff, kept.in_household,
        kept.sex, kept.band, kept.turns_on
    from model_data.counted_person as kept
    where kept.source = look.source and kept.uuid = look._id
    offset 0
) as kept
