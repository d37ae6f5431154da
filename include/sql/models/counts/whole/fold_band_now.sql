-- One row per place, sex and age band: the correct row of model_data.place_band_count. Most places are households with no
-- place below. Their numbers are summed by the place above them, before the sums are passed further up.
-- key: source, area_uuid, sex, band
-- after: fold_band_shift, fold_place
-- analyze: all
with recursive handed as materialized (
    select
        own.source,
        place.up,
        own.sex,
        own.band,
        sum(own.total_persons)::int as persons,
        sum(own.total_patients)::int as patients
    from pg_temp.fold_band_shift as own
    join pg_temp.fold_place as place on place.source = own.source and place._id = own.place
    where place.up is not null
    group by own.source, place.up, own.sex, own.band
),

path as (
    select distinct handed.source, handed.up as _id, handed.up as above
    from handed
    union all
    select path.source, path._id, place.up as above
    from path
    join pg_temp.fold_place as place on place.source = path.source and place._id = path.above
    where place.up is not null
),

part as (
    select
        own.source, own.place as area_uuid, own.sex, own.band, own.direct_persons, own.direct_patients,
        own.total_persons, own.total_patients
    from pg_temp.fold_band_shift as own
    union all
    select path.source, path.above, handed.sex, handed.band, 0, 0, handed.persons, handed.patients
    from path
    join handed on handed.source = path.source and handed.up = path._id
)

select
    part.source,
    part.area_uuid,
    part.sex,
    part.band,
    sum(part.direct_persons)::int as direct_persons,
    sum(part.direct_patients)::int as direct_patients,
    sum(part.total_persons)::int as total_persons,
    sum(part.total_patients)::int as total_patients
from part
group by part.source, part.area_uuid, part.sex, part.band
