-- The day's counts of every area above the household, written where they differ; returns how many rows the day has.
-- Persons are counted where they are now, by the dates in their documents; what the dates mean: docs/counts.md.
with recursive day as (
    select
        %(day)s::date as day,
        %(day)s::date::timestamp at time zone %(timezone)s as starts,
        (%(day)s::date + 1)::timestamp at time zone %(timezone)s as ends
),

-- every place with each area above the household that is the place itself or above it
above as (
    select place.source, place.area_uuid as place, place.area_uuid as area, place.effective_parent, place.household
    from models.area_count as place
    union all
    select above.source, above.place, area.area_uuid as area, area.effective_parent, area.household
    from above
    join models.area_count as area on area.source = above.source and area.area_uuid = above.effective_parent
),

-- the place in whose totals a person is; '' is none
person as not materialized (
    select
        person.source,
        person._id,
        coalesce(place._id, orphan.effective_parent, '') as place,
        person.is_patient,
        person.is_deceased,
        person.reported,
        coalesce(person.died_on, (person.died_at at time zone %(timezone)s)::date) as died
    from models.person as person
    left join models.place as place on place.source = person.source and place._id = person.parent_uuid
    left join model_data.orphan as orphan on orphan.source = person.source and orphan.uuid = person._id
),

stock as (
    select
        person.source,
        person.place,
        count(*) filter (where person.reported is null or person.reported < day.ends) as persons,
        count(*) filter (where person.is_patient and (person.reported is null or person.reported < day.ends)) as patients,
        count(*) filter (
            where person.is_deceased and (person.died is null or person.died <= day.day)
                and (person.reported is null or person.reported < day.ends)
        ) as deceased,
        count(*) filter (where person.reported >= day.starts and person.reported < day.ends) as registered,
        count(*) filter (where person.is_deceased and person.died = day.day) as died
    from person
    cross join day
    group by person.source, person.place
),

report as (
    select
        report.source,
        coalesce(named._id, subject._id, coded._id, report.contact_uuid) as person
    from day
    join models.data_record as report on report.reported >= day.starts and report.reported < day.ends
    left join models.person as named on named.source = report.source and named._id = report.patient_uuid
    left join models.person as subject on subject.source = report.source and subject._id = report.patient_id
    left join lateral (
        select min(person._id) as _id
        from models.person as person
        where person.source = report.source and person.patient_id = report.patient_id
    ) as coded on true
    where report.form is not null
),

reported as (
    select report.source, coalesce(person.place, '') as place, count(*) as reports
    from report
    left join person on person.source = report.source and person._id = report.person
    group by report.source, coalesce(person.place, '')
),

counted as (
    select
        above.source,
        above.area as area_uuid,
        day.day,
        coalesce(sum(stock.persons), 0)::bigint as persons,
        coalesce(sum(stock.patients), 0)::bigint as patients,
        coalesce(sum(stock.deceased), 0)::bigint as deceased,
        coalesce(sum(stock.registered), 0)::bigint as registered,
        coalesce(sum(stock.died), 0)::bigint as died,
        coalesce(sum(reported.reports), 0)::bigint as reports
    from day
    cross join above
    left join stock on stock.source = above.source and stock.place = above.place
    left join reported on reported.source = above.source and reported.place = above.place
    where not above.household
    group by above.source, above.area, day.day
),

gone as (
    delete from history.area_day as kept
    using day
    where kept.day = day.day and not exists (
        select from counted where counted.source = kept.source and counted.area_uuid = kept.area_uuid
    )
),

written as (
    insert into history.area_day as kept
        (source, area_uuid, day, persons, patients, deceased, registered, died, reports)
    select
        counted.source,
        counted.area_uuid,
        counted.day,
        counted.persons,
        counted.patients,
        counted.deceased,
        counted.registered,
        counted.died,
        counted.reports
    from counted
    on conflict (source, area_uuid, day) do update set
        persons = excluded.persons,
        patients = excluded.patients,
        deceased = excluded.deceased,
        registered = excluded.registered,
        died = excluded.died,
        reports = excluded.reports
    where row(kept.*) is distinct from row(excluded.*)
)

select count(*) from counted
