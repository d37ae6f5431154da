-- Those alive by place, sex and band of ages, of the sources in pg_temp.fold_source, made from nothing: what band_change.sql
-- must come to by the change. It reads what place_count.sql has made. What it gives are differences from what is kept, which
-- band_write.sql adds.

-- In each place before anything below it is counted.
create temporary table whole_band_own on commit drop as
select
    person.source,
    person.place,
    person.sex,
    person.band,
    (count(*) filter (where person.is_direct))::int as direct_persons,
    (count(*) filter (where person.is_direct and person.is_patient))::int as direct_patients,
    count(*)::int as total_persons,
    (count(*) filter (where person.is_patient))::int as total_patients
from pg_temp.whole_person as person
where person.band is not null
group by person.source, person.place, person.sex, person.band;

analyze pg_temp.whole_band_own;

-- Most places are households, with nothing below: what they hand up is summed before it goes on to the places above.
create temporary table whole_band on commit drop as
with recursive handed as materialized (
    select
        own.source,
        place.up,
        own.sex,
        own.band,
        sum(own.total_persons)::int as persons,
        sum(own.total_patients)::int as patients
    from pg_temp.whole_band_own as own
    join pg_temp.whole_place as place on place.source = own.source and place._id = own.place
    where place.up is not null
    group by own.source, place.up, own.sex, own.band
),

path as (
    select distinct handed.source, handed.up as _id, handed.up as above
    from handed
    union all
    select path.source, path._id, place.up as above
    from path
    join pg_temp.whole_place as place on place.source = path.source and place._id = path.above
    where place.up is not null
),

part as (
    select
        own.source, own.place as area_uuid, own.sex, own.band, own.direct_persons, own.direct_patients,
        own.total_persons, own.total_patients
    from pg_temp.whole_band_own as own
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
group by part.source, part.area_uuid, part.sex, part.band;

analyze pg_temp.whole_band;

create temporary table fold_band on commit drop as
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
from pg_temp.whole_band as new
full join kept
    on kept.source = new.source and kept.area_uuid = new.area_uuid and kept.sex = new.sex and kept.band = new.band
where (new.direct_persons, new.direct_patients, new.total_persons, new.total_patients)
    is distinct from (kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients)
-- written in this order, the rows of a place lie together, and so do they in the index
order by 1, 2, 3, 4;
