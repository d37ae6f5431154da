-- The numbers of models.area_band from the contacts, in one statement; area_totals.sql has those of models.area_count.
with recursive above as (
    select place.source, place._id, place._id as area, parent._id as up
    from models.place as place
    left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
    union all
    select above.source, above._id, place._id as area, parent._id as up
    from above
    join models.place as place on place.source = above.source and place._id = above.up
    left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
),

own as (
    select
        person.source,
        person.parent_uuid as _id,
        person.sex_group as sex,
        cht.age_band(person.born_on, day.as_of) as band,
        count(*) as persons,
        count(*) filter (where person.is_patient) as patients
    from models.person as person
    join ops.band_day as day on day.source = person.source
    where not person.is_deceased
    group by person.source, person.parent_uuid, person.sex_group, cht.age_band(person.born_on, day.as_of)
)

select
    above.source,
    above.area as area_uuid,
    own.sex,
    own.band,
    coalesce(sum(own.persons) filter (where above._id = above.area), 0)::bigint as direct_persons,
    coalesce(sum(own.patients) filter (where above._id = above.area), 0)::bigint as direct_patients,
    sum(own.persons)::bigint as total_persons,
    sum(own.patients)::bigint as total_patients
from above
join own on own.source = above.source and own._id = above._id
group by above.source, above.area, own.sex, own.band
