-- The persons of an area by sex and age are those in it and in the areas directly below it. If that holds everywhere, from the
-- bottom up, all counts are right. Computed from the models, with the ages on the day of the counts.
-- level: fail
-- every: run
-- reads: place_band_count, place_count, contact, person, place
-- repair: Trigger cht_marts with the source under Recount
with looked as (
    select kept.source, kept.area_uuid
    from area
    join model_data.place_count as kept on kept.source = area.source and kept.area_uuid = area.area_uuid
),

-- the persons in it: by the parent that they name, or by the lineage of an orphan; '' has those in no place
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

-- the totals of the places directly in each area, summed area by area: one sum over all areas would sort too many rows. The
-- place at which a circle is cut adds nothing
below as (
    select looked.source, looked.area_uuid, band.sex, band.band, band.persons, band.patients
    from looked
    cross join lateral (
        select band.sex, band.band, sum(band.total_persons) as persons, sum(band.total_patients) as patients
        from (
            select contact._id
            from models.contact as contact
            where contact.source = looked.source and contact.parent_uuid = looked.area_uuid and not contact.is_person
            union all
            select orphan.uuid
            from models.orphan as orphan
            where orphan.source = looked.source and orphan.effective_parent = looked.area_uuid and not orphan.is_person
        ) as child
        join model_data.place_band_count as band on band.source = looked.source and band.area_uuid = child._id
        where not exists (
            select from models.cycle as cycle
            where cycle.source = looked.source and cycle.uuid = child._id and cycle.top = child._id
        )
        group by band.sex, band.band
    ) as band
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
    select below.source, below.area_uuid, below.sex, below.band, 0, 0, below.persons, below.patients
    from below
),

computed as (
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
    coalesce(kept.source, computed.source) as source,
    coalesce(kept.area_uuid, computed.area_uuid) as area_uuid,
    'a count by sex and age that differs from the models' as problem
from computed
full join kept
    on kept.source = computed.source and kept.area_uuid = computed.area_uuid
    and kept.sex = computed.sex and kept.band = computed.band
where (kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients)
    is distinct from (
        computed.direct_persons, computed.direct_patients, computed.total_persons, computed.total_patients
    )
