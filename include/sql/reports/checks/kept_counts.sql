-- The counts of an area are those of the persons in it and of the areas directly below it. If that holds everywhere, from the
-- bottom up, all counts are right. Computed from the models, in another way than the counts are kept.
-- level: fail
-- every: run
-- reads: place_count, contact, person, place
-- repair: Trigger cht_marts with the source under Recount
with recursive chosen as (
    select kept.source, kept.area_uuid, kept.household
    from area
    join model_data.place_count as kept on kept.source = area.source and kept.area_uuid = area.area_uuid
),

-- the place itself and those above it; a union ends even if they form a circle
above as (
    select chosen.source, chosen.area_uuid, chosen.area_uuid as place
    from chosen
    union
    select above.source, above.area_uuid, place.effective_parent as place
    from above
    -- by its key: a few changed areas have few places above them, though the planner expects many
    cross join lateral (
        select kept.effective_parent
        from model_data.place_count as kept
        where kept.source = above.source and kept.area_uuid = above.place
        offset 0
    ) as place
    where place.effective_parent is not null
),

muted as (
    select distinct above.source, above.area_uuid
    from above
    join models.place as place on place.source = above.source and place._id = above.place and place.is_muted
),

-- joined once, before all else: the planner cannot know how many rows the walk returns
looked as materialized (
    select chosen.source, chosen.area_uuid, chosen.household, muted.area_uuid is not null as is_muted
    from chosen
    left join muted on muted.source = chosen.source and muted.area_uuid = chosen.area_uuid
),

-- the persons in it: by the parent that they name, or by the lineage of an orphan; '' has those in no place
member as (
    select
        looked.source,
        looked.area_uuid,
        true as is_direct,
        person.is_patient,
        person.is_deceased,
        not person.is_deceased and (person.is_muted or looked.is_muted) as is_muted,
        person.is_staff,
        person.in_household
    from looked
    join models.person as person on person.source = looked.source and person.parent_uuid = looked.area_uuid
    where looked.area_uuid <> ''
    union all
    select
        looked.source,
        looked.area_uuid,
        true as is_direct,
        person.is_patient,
        person.is_deceased,
        not person.is_deceased and (person.is_muted or looked.is_muted) as is_muted,
        person.is_staff,
        person.in_household
    from looked
    join models.person as person on person.source = looked.source and person.parent_uuid is null
    where looked.area_uuid = ''
    union all
    select
        looked.source,
        looked.area_uuid,
        looked.area_uuid = '' as is_direct,
        person.is_patient,
        person.is_deceased,
        not person.is_deceased and (person.is_muted or looked.is_muted) as is_muted,
        person.is_staff,
        person.in_household
    from looked
    join models.orphan as orphan
        on orphan.source = looked.source and coalesce(orphan.effective_parent, '') = looked.area_uuid
    join models.person as person on person.source = orphan.source and person._id = orphan.uuid
    where orphan.is_person
),

own as (
    select
        member.source,
        member.area_uuid,
        count(*) as persons,
        count(*) filter (where member.is_muted) as persons_muted,
        count(*) filter (where member.is_deceased) as persons_deceased,
        count(*) filter (where member.is_patient) as patients,
        count(*) filter (where member.is_patient and member.is_muted) as patients_muted,
        count(*) filter (where member.is_patient and member.is_deceased) as patients_deceased,
        count(*) filter (where member.is_staff) as staff,
        count(*) filter (where member.in_household) as in_household,
        count(*) filter (where member.is_direct) as direct_persons,
        count(*) filter (where member.is_direct and member.is_muted) as direct_persons_muted,
        count(*) filter (where member.is_direct and member.is_deceased) as direct_persons_deceased,
        count(*) filter (where member.is_direct and member.is_patient) as direct_patients,
        count(*) filter (where member.is_direct and member.is_patient and member.is_muted) as direct_patients_muted,
        count(*) filter (where member.is_direct and member.is_patient and member.is_deceased) as direct_patients_deceased,
        count(*) filter (where member.is_direct and member.is_staff) as direct_staff,
        count(*) filter (where member.is_direct and member.in_household) as direct_in_household
    from member
    group by member.source, member.area_uuid
),

child as (
    select looked.source, looked.area_uuid, looked.is_muted, contact._id
    from looked
    join models.contact as contact
        on contact.source = looked.source and contact.parent_uuid = looked.area_uuid and not contact.is_person
    union all
    select looked.source, looked.area_uuid, looked.is_muted, orphan.uuid as _id
    from looked
    join models.orphan as orphan on orphan.source = looked.source and orphan.effective_parent = looked.area_uuid
    where not orphan.is_person
),

-- what each of them adds to the totals: all its living persons are muted if it is, or if the area is
below as (
    select
        child.source,
        child.area_uuid,
        count(*) filter (where area.household and not area.is_orphan) as direct_households,
        sum(area.total_persons) as persons,
        sum(
            case when area.is_muted or child.is_muted then area.total_persons - area.total_persons_deceased
                else area.total_persons_muted end
        ) as persons_muted,
        sum(area.total_persons_deceased) as persons_deceased,
        sum(area.total_patients) as patients,
        sum(
            case when area.is_muted or child.is_muted then area.total_patients - area.total_patients_deceased
                else area.total_patients_muted end
        ) as patients_muted,
        sum(area.total_patients_deceased) as patients_deceased,
        sum(area.total_households) as households,
        sum(area.total_staff) as staff,
        sum(area.total_in_household) as in_household
    from child
    cross join lateral (
        select kept.*
        from model_data.place_count as kept
        where kept.source = child.source and kept.area_uuid = child._id
        offset 0
    ) as area
    where area.effective_parent = child.area_uuid
    group by child.source, child.area_uuid
),

computed as (
    select
        looked.source,
        looked.area_uuid,
        coalesce(own.direct_persons, 0) as direct_persons,
        coalesce(own.direct_persons_muted, 0) as direct_persons_muted,
        coalesce(own.direct_persons_deceased, 0) as direct_persons_deceased,
        coalesce(own.direct_patients, 0) as direct_patients,
        coalesce(own.direct_patients_muted, 0) as direct_patients_muted,
        coalesce(own.direct_patients_deceased, 0) as direct_patients_deceased,
        coalesce(below.direct_households, 0) as direct_households,
        coalesce(own.direct_staff, 0) as direct_staff,
        coalesce(own.direct_in_household, 0) as direct_in_household,
        coalesce(own.persons, 0) + coalesce(below.persons, 0) as total_persons,
        coalesce(own.persons_muted, 0) + coalesce(below.persons_muted, 0) as total_persons_muted,
        coalesce(own.persons_deceased, 0) + coalesce(below.persons_deceased, 0) as total_persons_deceased,
        coalesce(own.patients, 0) + coalesce(below.patients, 0) as total_patients,
        coalesce(own.patients_muted, 0) + coalesce(below.patients_muted, 0) as total_patients_muted,
        coalesce(own.patients_deceased, 0) + coalesce(below.patients_deceased, 0) as total_patients_deceased,
        looked.household::int + coalesce(below.households, 0) as total_households,
        coalesce(own.staff, 0) + coalesce(below.staff, 0) as total_staff,
        coalesce(own.in_household, 0) + coalesce(below.in_household, 0) as total_in_household
    from looked
    left join own on own.source = looked.source and own.area_uuid = looked.area_uuid
    left join below on below.source = looked.source and below.area_uuid = looked.area_uuid
)

select
    kept.source,
    kept.area_uuid,
    'a count that differs from the models' as problem
from computed
join models.area_count as kept on kept.source = computed.source and kept.area_uuid = computed.area_uuid
where (
    kept.direct_persons, kept.direct_persons_muted, kept.direct_persons_deceased,
    kept.direct_patients, kept.direct_patients_muted, kept.direct_patients_deceased,
    kept.direct_households, kept.direct_staff, kept.direct_in_household,
    kept.total_persons, kept.total_persons_muted, kept.total_persons_deceased,
    kept.total_patients, kept.total_patients_muted, kept.total_patients_deceased,
    kept.total_households, kept.total_staff, kept.total_in_household,
    kept.direct_persons_active, kept.direct_patients_active, kept.total_persons_active, kept.total_patients_active
) is distinct from (
    computed.direct_persons, computed.direct_persons_muted, computed.direct_persons_deceased,
    computed.direct_patients, computed.direct_patients_muted, computed.direct_patients_deceased,
    computed.direct_households, computed.direct_staff, computed.direct_in_household,
    computed.total_persons, computed.total_persons_muted, computed.total_persons_deceased,
    computed.total_patients, computed.total_patients_muted, computed.total_patients_deceased,
    computed.total_households, computed.total_staff, computed.total_in_household,
    computed.direct_persons - computed.direct_persons_muted - computed.direct_persons_deceased,
    computed.direct_patients - computed.direct_patients_muted - computed.direct_patients_deceased,
    computed.total_persons - computed.total_persons_muted - computed.total_persons_deceased,
    computed.total_patients - computed.total_patients_muted - computed.total_patients_deceased
)
