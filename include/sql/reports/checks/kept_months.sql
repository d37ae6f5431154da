-- The reports and registrations by month that are kept for an area are those that the models give: of the persons in it, looked
-- up downwards. Some areas are checked with each change, and all once a day. kept_visits.sql checks unplaced by the totals.
-- level: fail
-- every: run
-- reads: place_count, person, registration_month, report, report_month, submission_month
-- repair: Trigger cht_marts with the source under Recount
with recursive chosen as (
    select looked.source, looked.area_uuid
    from area as looked
    join models.area_count as kept on kept.source = looked.source and kept.area_uuid = looked.area_uuid
    where not kept.household and kept.area_uuid <> ''
    order by md5(looked.area_uuid || now())
    limit case when exists (
        select from model_data.place_count as kept
        where not exists (select from area as looked where looked.source = kept.source and looked.area_uuid = kept.area_uuid)
    ) then 5 end
),

-- the area itself, and the households that are in it with no other area between
inside as (
    select chosen.source, chosen.area_uuid, chosen.area_uuid as place
    from chosen
    union
    select inside.source, inside.area_uuid, place.area_uuid as place
    from inside
    cross join lateral (
        select contact._id
        from models.contact as contact
        where contact.source = inside.source and contact.parent_uuid = inside.place
        union
        select orphan.uuid
        from models.orphan as orphan
        where orphan.source = inside.source and orphan.effective_parent = inside.place
    ) as below
    join models.area_count as place
        on place.source = inside.source and place.area_uuid = below._id and place.effective_parent = inside.place
    where place.household
),

person as materialized (
    select inside.source, inside.area_uuid, person._id
    from inside
    join models.person as person on person.source = inside.source and person.parent_uuid = inside.place
    union
    select inside.source, inside.area_uuid, orphan.uuid as _id
    from inside
    join models.orphan as orphan on orphan.source = inside.source and orphan.effective_parent = inside.place
    where orphan.is_person
),

report as materialized (
    select person.source, person.area_uuid, report.reported, report.form
    from person
    join models.report as report on report.source = person.source and report.subject_uuid = person._id
    union all
    select person.source, person.area_uuid, report.reported, report.form
    from person
    join models.report as report on report.source = person.source and report.contact_uuid = person._id
    where report.subject_uuid is null
),

computed as (
    select
        report.source,
        report.area_uuid,
        'reports ' || report.form as what,
        coalesce(date_trunc('month', report.reported at time zone deployment.timezone), '-infinity')::date as month,
        count(*) as number
    from report
    cross join ops.deployment
    group by 1, 2, 3, 4
    union all
    select
        person.source,
        person.area_uuid,
        counted.what,
        coalesce(date_trunc('month', known.reported at time zone deployment.timezone), '-infinity')::date as month,
        count(*) as number
    from person
    join models.person as known on known.source = person.source and known._id = person._id
    cross join ops.deployment
    cross join lateral (
        select 'persons' as what union all select 'patients' where known.is_patient
    ) as counted
    group by 1, 2, 3, 4
    union all
    select
        person.source,
        person.area_uuid,
        'submitted by ' || person._id as what,
        coalesce(date_trunc('month', report.reported at time zone deployment.timezone), '-infinity')::date as month,
        count(*) as number
    from person
    join models.report as report on report.source = person.source and report.contact_uuid = person._id
    cross join ops.deployment
    group by 1, 2, 3, 4
),

kept as (
    select kept.source, kept.area_uuid, 'reports ' || kept.form as what, kept.month, kept.reports as number
    from chosen
    join models.report_month as kept on kept.source = chosen.source and kept.area_uuid = chosen.area_uuid
    union all
    select kept.source, kept.area_uuid, counted.what, kept.month, counted.number
    from chosen
    join models.registration_month as kept on kept.source = chosen.source and kept.area_uuid = chosen.area_uuid
    cross join lateral (
        values ('persons', kept.persons), ('patients', nullif(kept.patients, 0))
    ) as counted (what, number)
    where counted.number is not null
    union all
    select person.source, person.area_uuid, 'submitted by ' || person._id, kept.month, kept.reports
    from person
    join models.submission_month as kept on kept.source = person.source and kept.contact_uuid = person._id
)

select
    source,
    area_uuid,
    'a month''s ' || case when what in ('persons', 'patients') then 'registrations' else 'reports' end
        || ' differ from the models' as problem
from kept
full join computed using (source, area_uuid, what, month)
where kept.number is distinct from computed.number
