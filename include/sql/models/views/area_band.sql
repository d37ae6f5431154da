-- One row a place, sex and band of ages in which somebody alive is, muted or not; what is zero has no row. Persons in no
-- place have an empty area_uuid.
-- area_uuid: The place's _id; empty for unplaced
-- sex: female, male, other or unknown: sex_group of models.person
-- band: Of ages in full years: 0, 1 to 4, 5 to 9, 10 to 14, 15 to 49, 50 and over; unknown
-- age_from: The age with which the band begins; null where it is unknown
-- direct_persons: Persons whose parent is this place
-- direct_patients: Of them, those with a patient_id
-- total_persons: Persons in this place and in everything below it
-- total_patients: Of them, those with a patient_id
-- as_of: The day of which the ages are, in the deployment's time zone
-- complete: false until the source was first copied to its end
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
