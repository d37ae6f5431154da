-- Writes what fold_person has found into model_data.counted_person.
merge into model_data.counted_person as kept
using pg_temp.fold_person as new
on kept.source = new.source and kept.uuid = new.uuid
when matched and new.is_gone then delete
when matched then update set
    place = new.place,
    is_direct = new.is_direct,
    is_patient = new.is_patient,
    is_deceased = new.is_deceased,
    is_muted = new.is_muted,
    is_staff = new.is_staff,
    in_household = new.in_household,
    sex = new.sex,
    band = new.band,
    turns_on = new.turns_on
when not matched and not new.is_gone then insert (
    source, uuid, place, is_direct, is_patient, is_deceased, is_muted, is_staff, in_household, sex, band, turns_on
) values (
    new.source, new.uuid, new.place, new.is_direct, new.is_patient, new.is_deceased, new.is_muted, new.is_staff,
    new.in_household, new.sex, new.band, new.turns_on
)
