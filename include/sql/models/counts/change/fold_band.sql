-- One row per place, sex and age band whose numbers differ from model_data.place_band_count: the differences. The result is
-- the same as that of whole/fold_band.sql.
--
-- A difference begins at a place in which persons are counted differently now. It also begins where a place has moved:
-- everything that was counted in it is subtracted from the former place above, and added to the new one. Each difference is
-- passed up to every place above, by the places as they are now.
-- key: source, area_uuid, sex, band
-- after: fold_reached, fold_band_shift
with recursive moved as materialized (
    select
        place.source, place._id, place.was_up, case when not place.is_gone then place.up end as up, place.is_gone,
        kept.sex, kept.band, kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients
    from pg_temp.fold_reached as place
    cross join lateral (
        select
            kept.sex, kept.band, kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients
        from model_data.place_band_count as kept
        where kept.source = place.source and kept.area_uuid = place._id
        offset 0
    ) as kept
    where place.is_gone or place.was_up is distinct from place.up
),

seed as materialized (
    select
        shift.source, shift.place as _id, shift.sex, shift.band, shift.direct_persons, shift.direct_patients,
        shift.total_persons, shift.total_patients
    from pg_temp.fold_band_shift as shift
    union all
    select moved.source, moved.up, moved.sex, moved.band, 0, 0, moved.total_persons, moved.total_patients
    from moved
    where moved.up is not null
    union all
    select moved.source, moved.was_up, moved.sex, moved.band, 0, 0, -moved.total_persons, -moved.total_patients
    from moved
    where moved.was_up is not null
),

path as (
    select
        seed.source, seed._id as area_uuid, seed.sex, seed.band, seed.direct_persons, seed.direct_patients,
        seed.total_persons, seed.total_patients
    from seed
    join pg_temp.fold_reached as place on place.source = seed.source and place._id = seed._id
    where not place.is_gone
    union all
    select
        path.source, place.up, path.sex, path.band, 0 as direct_persons, 0 as direct_patients,
        path.total_persons, path.total_patients
    from path
    join pg_temp.fold_reached as place on place.source = path.source and place._id = path.area_uuid
    where place.up is not null
),

part as (
    select
        path.source, path.area_uuid, path.sex, path.band, path.direct_persons, path.direct_patients,
        path.total_persons, path.total_patients
    from path
    union all
    select
        moved.source, moved._id, moved.sex, moved.band, -moved.direct_persons, -moved.direct_patients,
        -moved.total_persons, -moved.total_patients
    from moved
    where moved.is_gone
),

difference as (
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
)

select
    difference.source, difference.area_uuid, difference.sex, difference.band,
    difference.direct_persons, difference.direct_patients, difference.total_persons, difference.total_patients
from difference
where (
    difference.direct_persons, difference.direct_patients, difference.total_persons, difference.total_patients
) <> (0, 0, 0, 0)
