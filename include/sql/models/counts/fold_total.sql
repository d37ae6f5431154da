-- One row per place with a number that is not zero: its own numbers plus those of every place below it. A muted place below
-- it makes all living persons in that place muted; the muting of the place itself is left out here.
-- key: source, _id
-- after: fold_place, fold_own
-- make: view
with recursive path as (
    select own.source, own._id, own._id as above, false as is_muted
    from pg_temp.fold_own as own
    where own.persons <> 0 or own.households <> 0
    union all
    select path.source, path._id, place.up as above, path.is_muted or place.is_muted as is_muted
    from path
    join pg_temp.fold_place as place on place.source = path.source and place._id = path.above
    where place.up is not null
)

select
    path.source,
    path.above as _id,
    sum(own.persons)::int as persons,
    sum(case when path.is_muted then own.persons - own.persons_deceased else own.persons_muted end)::int
        as persons_muted,
    sum(own.persons_deceased)::int as persons_deceased,
    sum(own.patients)::int as patients,
    sum(case when path.is_muted then own.patients - own.patients_deceased else own.patients_muted end)::int
        as patients_muted,
    sum(own.patients_deceased)::int as patients_deceased,
    sum(own.households)::int as households,
    sum(own.staff)::int as staff,
    sum(own.in_household)::int as in_household
from path
join pg_temp.fold_own as own on own.source = path.source and own._id = path._id
group by path.source, path.above
