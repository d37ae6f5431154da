-- The persons of an area by sex and age are those in it and in the areas directly below it: so, from the bottom up, all of
-- them are right. Reckoned from the models, by the ages on the day that the counts are of.
-- level: fail
-- every: run
-- reads: band_fold, area_fold, contact, person, place
-- repair: Trigger cht_marts with the source under Recount
with looked as (
    select kept.source, kept.area_uuid
    from area
    join model_data.area_fold as kept on kept.source = area.source and kept.area_uuid = area.area_uuid
),

-- whoever is in it: by the parent that is named, or by the lineage of an orphan; '' has those who are in none
member as (
    select
        looked.source, looked.area_uuid, true as is_direct, person.is_patient, person.sex_group, person.born_on
    from looked
    join models.person as person on person.source = looked.source and person.parent_uuid = looked.area_uuid
    where looked.area_uuid <> '' and not person.is_deceased
    union all
    select
        looked.source, looked.area_uuid, true as is_direct, person.is_patient, person.sex_group, person.born_on
    from looked
    join models.person as person on person.source = looked.source and person.parent_uuid is null
    where looked.area_uuid = '' and not person.is_deceased
    union all
    select
        looked.source, looked.area_uuid, looked.area_uuid = '' as is_direct, person.is_patient, person.sex_group,
        person.born_on
    from looked
    join models.orphan as orphan
        on orphan.source = looked.source and coalesce(orphan.effective_parent, '') = looked.area_uuid
    join models.person as person on person.source = orphan.source and person._id = orphan.uuid
    where orphan.is_person and not person.is_deceased
),

child as (
    select looked.source, looked.area_uuid, contact._id
    from looked
    join models.contact as contact on contact.source = looked.source and contact.parent_uuid = looked.area_uuid
    union all
    select looked.source, looked.area_uuid, orphan.uuid as _id
    from looked
    join models.orphan as orphan on orphan.source = looked.source and orphan.effective_parent = looked.area_uuid
    where not orphan.is_person
),

part as (
    select
        member.source,
        member.area_uuid,
        member.sex_group as sex,
        cht.age_band(member.born_on, day.as_of) as band,
        member.is_direct::int as direct_persons,
        (member.is_direct and member.is_patient)::int as direct_patients,
        1 as total_persons,
        member.is_patient::int as total_patients
    from member
    join ops.band_day as day on day.source = member.source
    union all
    select
        child.source, child.area_uuid, below.sex, below.band, 0, 0, below.total_persons, below.total_patients
    from child
    join model_data.area_fold as area
        on area.source = child.source and area.area_uuid = child._id and area.effective_parent = child.area_uuid
    join model_data.band_fold as below on below.source = area.source and below.area_uuid = area.area_uuid
),

reckoned as (
    select
        part.source,
        part.area_uuid,
        part.sex,
        part.band,
        sum(part.direct_persons) as direct_persons,
        sum(part.direct_patients) as direct_patients,
        sum(part.total_persons) as total_persons,
        sum(part.total_patients) as total_patients
    from part
    group by part.source, part.area_uuid, part.sex, part.band
),

kept as (
    select
        kept.source, kept.area_uuid, kept.sex, kept.band,
        kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients
    from looked
    join models.area_band as kept on kept.source = looked.source and kept.area_uuid = looked.area_uuid
)

select
    coalesce(kept.source, reckoned.source) as source,
    coalesce(kept.area_uuid, reckoned.area_uuid) as area_uuid,
    'another count by sex and age than the models give' as problem
from reckoned
full join kept
    on kept.source = reckoned.source and kept.area_uuid = reckoned.area_uuid
    and kept.sex = reckoned.sex and kept.band = reckoned.band
where (kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients)
    is distinct from (
        reckoned.direct_persons, reckoned.direct_patients, reckoned.total_persons, reckoned.total_patients
    )
