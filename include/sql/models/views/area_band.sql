-- One row per place, sex and age band with somebody alive in it, muted or not; zeros have no row. Persons in no place have an
-- empty area_uuid.
-- area_uuid: The place's _id; empty for unplaced
-- sex: female, male, other or unknown: sex_group of models.person
-- band: The age band, in full years: 0, 1 to 4, 5 to 9, 10 to 14, 15 to 49, 50 and over, or unknown
-- age_from: The first age of the band; null if it is unknown
-- direct_persons: Persons whose parent is this place
-- direct_patients: Those of them who have a patient_id
-- total_persons: Persons in this place and in everything below it
-- total_patients: Those of them who have a patient_id
-- as_of: The day on which they have these ages, in the deployment's time zone
-- complete: false until the first copy of the source is complete
-- reads: place_band_count
select
    fold.source,
    fold.area_uuid,
    fold.sex,
    fold.band,
    cht.age_from(fold.band) as age_from,
    fold.direct_persons::bigint as direct_persons,
    fold.direct_patients::bigint as direct_patients,
    fold.total_persons::bigint as total_persons,
    fold.total_patients::bigint as total_patients,
    day.as_of,
    noted.caught_up_at is not null as complete
from model_data.place_band_count as fold
left join ops.band_day as day on day.source = fold.source
left join ops.model_source as noted on noted.source = fold.source
