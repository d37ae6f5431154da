-- One row per place that the change touches: its kept totals, without those that the touched places had passed up to it, and
-- with the changes of its own numbers. Muting has the same effect on numbers that are added and on those that are subtracted.
-- direct_*: Those whose parent is this place
-- key: source, _id
-- after: fold_place, fold_area_was, fold_shift
-- analyze: source, _id
with handed as (
    select
        was.source,
        was.effective_parent as up,
        sum(was.total_persons)::int as persons,
        sum(case when was.is_muted then was.total_persons - was.total_persons_deceased else was.total_persons_muted end)
            ::int as persons_muted,
        sum(was.total_persons_deceased)::int as persons_deceased,
        sum(was.total_patients)::int as patients,
        sum(
            case when was.is_muted then was.total_patients - was.total_patients_deceased else was.total_patients_muted end
        )::int as patients_muted,
        sum(was.total_patients_deceased)::int as patients_deceased,
        sum(was.total_households)::int as households,
        sum(was.total_staff)::int as staff,
        sum(was.total_in_household)::int as in_household
    from pg_temp.fold_area_was as was
    where was.effective_parent is not null
    group by was.source, was.effective_parent
),

household as (
    select below.source, below.up, sum(below.sign)::int as households
    from (
        select 1 as sign, place.source, place.up
        from pg_temp.fold_place as place
        where place.household and not place.is_orphan and place.up is not null
        union all
        select -1 as sign, was.source, was.effective_parent as up
        from pg_temp.fold_area_was as was
        where was.household and not was.is_orphan and was.effective_parent is not null
    ) as below
    group by below.source, below.up
)

select
    place.source,
    place._id,
    coalesce(was.total_persons, 0) + coalesce(shift.persons, 0) - coalesce(handed.persons, 0) as persons,
    coalesce(was.total_persons_muted, 0) + coalesce(shift.persons_muted, 0) - coalesce(handed.persons_muted, 0)
        as persons_muted,
    coalesce(was.total_persons_deceased, 0) + coalesce(shift.persons_deceased, 0) - coalesce(handed.persons_deceased, 0)
        as persons_deceased,
    coalesce(was.total_patients, 0) + coalesce(shift.patients, 0) - coalesce(handed.patients, 0) as patients,
    coalesce(was.total_patients_muted, 0) + coalesce(shift.patients_muted, 0) - coalesce(handed.patients_muted, 0)
        as patients_muted,
    coalesce(was.total_patients_deceased, 0) + coalesce(shift.patients_deceased, 0) - coalesce(handed.patients_deceased, 0)
        as patients_deceased,
    coalesce(was.total_households, 0) - coalesce(was.household::int, 0) + place.household::int
        - coalesce(handed.households, 0) as households,
    coalesce(was.total_staff, 0) + coalesce(shift.staff, 0) - coalesce(handed.staff, 0) as staff,
    coalesce(was.total_in_household, 0) + coalesce(shift.in_household, 0) - coalesce(handed.in_household, 0)
        as in_household,
    coalesce(was.direct_persons, 0) + coalesce(shift.direct_persons, 0) as direct_persons,
    coalesce(was.direct_persons_muted, 0) + coalesce(shift.direct_persons_muted, 0) as direct_persons_muted,
    coalesce(was.direct_persons_deceased, 0) + coalesce(shift.direct_persons_deceased, 0) as direct_persons_deceased,
    coalesce(was.direct_patients, 0) + coalesce(shift.direct_patients, 0) as direct_patients,
    coalesce(was.direct_patients_muted, 0) + coalesce(shift.direct_patients_muted, 0) as direct_patients_muted,
    coalesce(was.direct_patients_deceased, 0) + coalesce(shift.direct_patients_deceased, 0) as direct_patients_deceased,
    coalesce(was.direct_households, 0) + coalesce(household.households, 0) as direct_households,
    coalesce(was.direct_staff, 0) + coalesce(shift.direct_staff, 0) as direct_staff,
    coalesce(was.direct_in_household, 0) + coalesce(shift.direct_in_household, 0) as direct_in_household
from pg_temp.fold_place as place
left join pg_temp.fold_area_was as was on was.source = place.source and was.area_uuid = place._id
left join pg_temp.fold_shift as shift on shift.source = place.source and shift.place = place._id
left join handed on handed.source = place.source and handed.up = place._id
left join household on household.source = place.source and household.up = place._id
