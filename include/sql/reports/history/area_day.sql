-- The counts of every area above the household on each day from `first` to `last`, written where they differ; returns how
-- many rows these days have. Persons are counted where they are now, by the dates in their documents; what that means:
-- docs/counts.md.
--
-- Everything is counted by its own place first; then the places are summed up into the areas above the household, which are
-- few, and these into those above them. The stock before the first day is counted once, and each day is a difference from it.
with span as (
    select
        %(first)s::date as first,
        %(last)s::date as last,
        %(first)s::date::timestamp at time zone %(timezone)s as starts,
        (%(last)s::date + 1)::timestamp at time zone %(timezone)s as ends
),

before as (
    select stock.source, stock.place, stock.persons, stock.patients, stock.deceased
    from pg_temp.day_stock as stock
    union all
    select
        removed.source,
        removed.place,
        count(*) as persons,
        count(*) filter (where removed.is_patient) as patients,
        count(*) filter (
            where removed.is_deceased and coalesce(removed.died_on < span.first, removed.died_at < span.starts, true)
        ) as deceased
    from pg_temp.day_removed as removed
    cross join span
    where (removed.registered is null or removed.registered < span.starts) and removed.removed_on >= span.first
    group by removed.source, removed.place
),

report as (
    select
        report.source,
        (report.reported at time zone %(timezone)s)::date as day,
        report.subject_uuid,
        report.patient_id,
        record.patient_uuid,
        report.contact_uuid
    from span
    cross join ops.model_source as noted
    cross join lateral (
        select report.*
        from models.report as report
        where report.source = noted.source and report.reported >= span.starts and report.reported < span.ends
        offset 0
    ) as report
    -- about nobody, or about somebody who is no longer there
    left join lateral (
        select record.patient_uuid
        from models.data_record as record
        where report.subject_uuid is null and record.source = report.source and record._id = report._id
        offset 0
    ) as record on true
),

reported as (
    select
        report.source,
        coalesce(subject.place, named.place, coded.place, submitter.place, gone.place, '') as place,
        report.day,
        count(*) as reports
    from report
    left join model_data.counted_person as subject on subject.source = report.source and subject.uuid = report.subject_uuid
    left join pg_temp.day_removed as named on named.source = report.source and named.uuid = report.patient_uuid
    left join pg_temp.day_removed as coded on coded.source = report.source and coded.uuid = report.patient_id
    left join lateral (
        select person.place
        from model_data.counted_person as person
        where report.subject_uuid is null and person.source = report.source and person.uuid = report.contact_uuid
        offset 0
    ) as submitter on true
    left join pg_temp.day_removed as gone on gone.source = report.source and gone.uuid = report.contact_uuid
    group by 1, 2, 3
),

-- on the day before the first is what was there then
own as (
    select before.source, before.place, span.first - 1 as day, before.persons, before.patients, before.deceased,
        0 as registered, 0 as died, 0 as removed, 0 as reports
    from before
    cross join span
    union all
    select happened.source, happened.place, happened.day, happened.persons, happened.patients, happened.deceased,
        happened.registered, happened.died, happened.removed, 0
    from pg_temp.day_happened as happened
    union all
    select reported.source, reported.place, reported.day, 0, 0, 0, 0, 0, 0, reported.reports
    from reported
),

area as materialized (
    select place.source, place.area_uuid as uuid
    from model_data.place_count as place
    where not place.household
),

seated as (
    select
        own.source,
        coalesce(area.uuid, nearest.area_uuid, '') as area,
        own.day,
        sum(own.persons) as persons, sum(own.patients) as patients, sum(own.deceased) as deceased,
        sum(own.registered) as registered, sum(own.died) as died, sum(own.removed) as removed,
            sum(own.reports) as reports
    from own
    left join area on area.source = own.source and area.uuid = own.place
    left join lateral (
        select place.area_uuid
        from models.place_area as place
        where area.uuid is null and place.source = own.source and place.uuid = own.place
        offset 0
    ) as nearest on true
    group by 1, 2, 3
),

total as (
    select
        above.source, above.area_uuid as area, seated.day,
        sum(seated.persons) as persons, sum(seated.patients) as patients, sum(seated.deceased) as deceased,
        sum(seated.registered) as registered, sum(seated.died) as died, sum(seated.removed) as removed,
        sum(seated.reports) as reports
    from seated
    join models.area_above as above on above.source = seated.source and above.uuid = seated.area
    group by above.source, above.area_uuid, seated.day
),

summed as (
    select
        area.source,
        area.uuid as area_uuid,
        span.first - 1 + calendar.n as day,
        sum(coalesce(total.persons, 0)) over stock as persons,
        sum(coalesce(total.patients, 0)) over stock as patients,
        sum(coalesce(total.deceased, 0)) over stock as deceased,
        coalesce(total.registered, 0) as registered,
        coalesce(total.died, 0) as died,
        coalesce(total.removed, 0) as removed,
        coalesce(total.reports, 0) as reports
    from area
    cross join span
    cross join lateral generate_series(0, span.last - span.first + 1) as calendar (n)
    left join total on total.source = area.source and total.area = area.uuid and total.day = span.first - 1 + calendar.n
    window stock as (partition by area.source, area.uuid order by calendar.n)
),

counted as materialized (
    select
        summed.source, summed.area_uuid, summed.day,
        summed.persons::bigint as persons, summed.patients::bigint as patients, summed.deceased::bigint as deceased,
        summed.registered::bigint as registered, summed.died::bigint as died, summed.reports::bigint as reports,
        summed.removed::bigint as removed
    from summed
    cross join span
    where summed.day >= span.first
),

kept as materialized (
    select kept.*
    from span
    join history.area_day as kept on kept.day between span.first and span.last
),

gone as (
    delete from history.area_day as old
    using kept
    where old.source = kept.source and old.area_uuid = kept.area_uuid and old.day = kept.day and not exists (
        select from counted
        where counted.source = kept.source and counted.area_uuid = kept.area_uuid and counted.day = kept.day
    )
),

written as (
    insert into history.area_day
        (source, area_uuid, day, persons, patients, deceased, registered, died, reports, removed)
    select
        counted.source,
        counted.area_uuid,
        counted.day,
        counted.persons,
        counted.patients,
        counted.deceased,
        counted.registered,
        counted.died,
        counted.reports,
        counted.removed
    from counted
    left join kept
        on kept.source = counted.source and kept.area_uuid = counted.area_uuid and kept.day = counted.day
    where kept.source is null or row(kept.*) is distinct from row(counted.*)
    on conflict (source, area_uuid, day) do update set
        persons = excluded.persons,
        patients = excluded.patients,
        deceased = excluded.deceased,
        registered = excluded.registered,
        died = excluded.died,
        reports = excluded.reports,
        removed = excluded.removed
),

seen as (
    select coalesce(max(touched.run), 0) as run
    from ops.touched
),

calendar as (
    select
        span.first + n as day,
        (span.first + n + 1)::timestamp at time zone %(timezone)s as ends,
        seen.run
    from span
    cross join seen
    cross join lateral generate_series(0, span.last - span.first) as n
),

noted as (
    insert into ops.counted_day (day, ends, run)
    select calendar.day, calendar.ends, calendar.run
    from calendar
    left join ops.counted_day as kept on kept.day = calendar.day
    where (kept.ends, kept.run) is distinct from (calendar.ends, calendar.run)
    on conflict (day) do update set ends = excluded.ends, run = excluded.run
)

select count(*) from counted
