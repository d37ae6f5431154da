-- One row per place, sex and age band whose numbers differ from model_data.place_band_count: the differences. In this order
-- the rows of a place are written next to each other, in the table and in the index.
-- key: source, area_uuid, sex, band
-- after: fold_band_now
with kept as (
    select
        kept.source, kept.area_uuid, kept.sex, kept.band,
        kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients
    from model_data.place_band_count as kept
    join pg_temp.fold_source on fold_source.source = kept.source
)

select
    coalesce(new.source, kept.source) as source,
    coalesce(new.area_uuid, kept.area_uuid) as area_uuid,
    coalesce(new.sex, kept.sex) as sex,
    coalesce(new.band, kept.band) as band,
    coalesce(new.direct_persons, 0) - coalesce(kept.direct_persons, 0) as direct_persons,
    coalesce(new.direct_patients, 0) - coalesce(kept.direct_patients, 0) as direct_patients,
    coalesce(new.total_persons, 0) - coalesce(kept.total_persons, 0) as total_persons,
    coalesce(new.total_patients, 0) - coalesce(kept.total_patients, 0) as total_patients
from pg_temp.fold_band_now as new
full join kept
    on kept.source = new.source and kept.area_uuid = new.area_uuid and kept.sex = new.sex and kept.band = new.band
where (new.direct_persons, new.direct_patients, new.total_persons, new.total_patients)
    is distinct from (kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients)
order by 1, 2, 3, 4
