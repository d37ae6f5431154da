-- One row per place: its own numbers, without those of the places below it.
-- households: 1 if it is a household
-- direct_*: Those whose parent is this place
-- key: source, _id
-- after: fold_place, fold_shift
-- analyze: all
with household as (
    select place.source, place.up, count(*)::int as households
    from pg_temp.fold_place as place
    where place.household and not place.is_orphan and place.up is not null
    group by place.source, place.up
)

select
    place.source,
    place._id,
    coalesce(person.persons, 0) as persons,
    coalesce(person.persons_muted, 0) as persons_muted,
    coalesce(person.persons_deceased, 0) as persons_deceased,
    coalesce(person.patients, 0) as patients,
    coalesce(person.patients_muted, 0) as patients_muted,
    coalesce(person.patients_deceased, 0) as patients_deceased,
    place.household::int as households,
    coalesce(person.staff, 0) as staff,
    coalesce(person.in_household, 0) as in_household,
    coalesce(person.direct_persons, 0) as direct_persons,
    coalesce(person.direct_persons_muted, 0) as direct_persons_muted,
    coalesce(person.direct_persons_deceased, 0) as direct_persons_deceased,
    coalesce(person.direct_patients, 0) as direct_patients,
    coalesce(person.direct_patients_muted, 0) as direct_patients_muted,
    coalesce(person.direct_patients_deceased, 0) as direct_patients_deceased,
    coalesce(household.households, 0) as direct_households,
    coalesce(person.direct_staff, 0) as direct_staff,
    coalesce(person.direct_in_household, 0) as direct_in_household
from pg_temp.fold_place as place
left join pg_temp.fold_shift as person on person.source = place.source and person.place = place._id
left join household on household.source = place.source and household.up = place._id
