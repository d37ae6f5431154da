-- One row per live place, including households and places with zeros. One more row per source has an empty area_uuid: persons
-- in no place.
-- area_uuid: The place's _id; empty for unplaced
-- name: The place's name
-- contact_type: The place's type
-- parent_uuid: The parent that its document names
-- direct_persons: Persons whose parent is this place
-- total_persons: Persons in this place and in everything below it
-- direct_persons_active, total_persons_active: Those of them who are neither deceased nor muted
-- direct_persons_muted, total_persons_muted: Those of them who are alive, and are muted or below a muted place
-- direct_persons_deceased, total_persons_deceased: Those of them who are deceased
-- direct_patients, total_patients: Those of them who have a patient_id
-- direct_patients_active, total_patients_active: Those of these patients who are neither deceased nor muted
-- direct_patients_muted, total_patients_muted: Those of these patients who are alive, and are muted or below a muted place
-- direct_patients_deceased, total_patients_deceased: Those of these patients who are deceased
-- effective_parent: The place in whose totals this one is counted
-- level: 1 at the top, 2 below that …; 0 for unplaced
-- household: Whether it is a household
-- is_orphan: Whether its parent is missing, or is not a place
-- in_cycle: Whether it is above itself
-- complete: false until the first copy of the source is complete
-- is_muted: Whether it, or a place above it, is muted
-- direct_households: Households whose parent is this place
-- total_households: Households in everything below it, and itself if it is one
-- direct_staff, total_staff: Those of the persons whom some user's settings name
-- direct_in_household, total_in_household: Those of the persons whose parent is a household
-- reads: place_count
select
    fold.source,
    fold.area_uuid,
    fold.name,
    fold.contact_type,
    fold.parent_uuid,
    fold.direct_persons::bigint as direct_persons,
    (fold.direct_persons - direct.muted - fold.direct_persons_deceased)::bigint as direct_persons_active,
    direct.muted::bigint as direct_persons_muted,
    fold.direct_persons_deceased::bigint as direct_persons_deceased,
    fold.direct_patients::bigint as direct_patients,
    (fold.direct_patients - direct.patients_muted - fold.direct_patients_deceased)::bigint as direct_patients_active,
    direct.patients_muted::bigint as direct_patients_muted,
    fold.direct_patients_deceased::bigint as direct_patients_deceased,
    fold.total_persons::bigint as total_persons,
    (fold.total_persons - total.muted - fold.total_persons_deceased)::bigint as total_persons_active,
    total.muted::bigint as total_persons_muted,
    fold.total_persons_deceased::bigint as total_persons_deceased,
    fold.total_patients::bigint as total_patients,
    (fold.total_patients - total.patients_muted - fold.total_patients_deceased)::bigint as total_patients_active,
    total.patients_muted::bigint as total_patients_muted,
    fold.total_patients_deceased::bigint as total_patients_deceased,
    fold.effective_parent,
    above.level,
    fold.household,
    fold.is_orphan,
    fold.in_cycle,
    noted.caught_up_at is not null as complete,
    above.is_muted,
    fold.direct_households::bigint as direct_households,
    fold.total_households::bigint as total_households,
    fold.direct_staff::bigint as direct_staff,
    fold.total_staff::bigint as total_staff,
    fold.direct_in_household::bigint as direct_in_household,
    fold.total_in_household::bigint as total_in_household
from model_data.place_count as fold
-- a left join: a query that uses none of its columns skips the walk
left join lateral (
    with recursive above as (
        select fold.effective_parent as up, fold.is_muted, case fold.area_uuid when '' then 0 else 1 end as level
        union all
        select place.effective_parent as up, above.is_muted or place.is_muted as is_muted, above.level + 1 as level
        from above
        join model_data.place_count as place on place.source = fold.source and place.area_uuid = above.up
        -- it ends even if the kept parents form a circle, which checks/counted_once.sql then reports
        where above.level < 1000
    )

    select max(above.level) as level, bool_or(above.is_muted) as is_muted
    from above
) as above on true
cross join lateral (
    select
        case when above.is_muted then fold.direct_persons - fold.direct_persons_deceased
            else fold.direct_persons_muted end as muted,
        case when above.is_muted then fold.direct_patients - fold.direct_patients_deceased
            else fold.direct_patients_muted end as patients_muted
) as direct
cross join lateral (
    select
        case when above.is_muted then fold.total_persons - fold.total_persons_deceased
            else fold.total_persons_muted end as muted,
        case when above.is_muted then fold.total_patients - fold.total_patients_deceased
            else fold.total_patients_muted end as patients_muted
) as total
left join ops.model_source as noted on noted.source = fold.source
