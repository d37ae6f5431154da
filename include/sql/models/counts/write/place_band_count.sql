-- Adds the differences that fold_band has found to model_data.place_band_count. Deletes the row of a band that becomes empty.
merge into model_data.place_band_count as kept
using pg_temp.fold_band as difference
on kept.source = difference.source and kept.area_uuid = difference.area_uuid
    and kept.sex = difference.sex and kept.band = difference.band
when matched and kept.total_persons + difference.total_persons = 0 then delete
when matched then update set
    direct_persons = kept.direct_persons + difference.direct_persons,
    direct_patients = kept.direct_patients + difference.direct_patients,
    total_persons = kept.total_persons + difference.total_persons,
    total_patients = kept.total_patients + difference.total_patients
when not matched then insert (
    source, area_uuid, sex, band, direct_persons, direct_patients, total_persons, total_patients
) values (
    difference.source, difference.area_uuid, difference.sex, difference.band,
    difference.direct_persons, difference.direct_patients, difference.total_persons, difference.total_patients
)
