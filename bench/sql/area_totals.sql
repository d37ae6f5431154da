-- The numbers of models.area_count from the contacts, in one statement: a materialized view would hold this.
with recursive above as (
    select place.source, place._id, place._id as area, parent._id as up, place.is_muted
    from models.place as place
    left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
    union all
    select above.source, above._id, place._id as area, parent._id as up, place.is_muted
    from above
    join models.place as place on place.source = above.source and place._id = above.up
    left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
),

muted as (
    select above.source, above._id, bool_or(above.is_muted) as is_muted
    from above
    group by above.source, above._id
),

own as (
    select
        person.source,
        person.parent_uuid as _id,
        count(*) as persons,
        count(*) filter (where not person.is_deceased and (person.is_muted or muted.is_muted)) as persons_muted,
        count(*) filter (where person.is_deceased) as persons_deceased,
        count(*) filter (where person.is_patient) as patients,
        count(*) filter (where person.is_patient and not person.is_deceased and (person.is_muted or muted.is_muted))
            as patients_muted,
        count(*) filter (where person.is_patient and person.is_deceased) as patients_deceased,
        count(*) filter (where person.is_staff) as staff,
        count(*) filter (where person.in_household) as in_household
    from models.person as person
    join muted on muted.source = person.source and muted._id = person.parent_uuid
    group by person.source, person.parent_uuid
)

select
    above.source,
    above.area as area_uuid,
    coalesce(sum(own.persons) filter (where above._id = above.area), 0)::bigint as direct_persons,
    coalesce(sum(own.persons_muted) filter (where above._id = above.area), 0)::bigint as direct_persons_muted,
    coalesce(sum(own.persons_deceased) filter (where above._id = above.area), 0)::bigint as direct_persons_deceased,
    coalesce(sum(own.patients) filter (where above._id = above.area), 0)::bigint as direct_patients,
    coalesce(sum(own.patients_muted) filter (where above._id = above.area), 0)::bigint as direct_patients_muted,
    coalesce(sum(own.patients_deceased) filter (where above._id = above.area), 0)::bigint as direct_patients_deceased,
    coalesce(sum(own.staff) filter (where above._id = above.area), 0)::bigint as direct_staff,
    coalesce(sum(own.in_household) filter (where above._id = above.area), 0)::bigint as direct_in_household,
    (count(*) filter (where place.household and place.parent_uuid = above.area))::bigint as direct_households,
    coalesce(sum(own.persons), 0)::bigint as total_persons,
    coalesce(sum(own.persons_muted), 0)::bigint as total_persons_muted,
    coalesce(sum(own.persons_deceased), 0)::bigint as total_persons_deceased,
    coalesce(sum(own.patients), 0)::bigint as total_patients,
    coalesce(sum(own.patients_muted), 0)::bigint as total_patients_muted,
    coalesce(sum(own.patients_deceased), 0)::bigint as total_patients_deceased,
    coalesce(sum(own.staff), 0)::bigint as total_staff,
    coalesce(sum(own.in_household), 0)::bigint as total_in_household,
    (count(*) filter (where place.household))::bigint as total_households
from above
join models.place as place on place.source = above.source and place._id = above._id
left join own on own.source = above.source and own._id = above._id
group by above.source, above.area
