-- The visits by place and month are those that the reports give. The reports and registrations by month add up to those of the
-- models.
-- level: fail
-- every: day
-- reads: person, registration_month, report, report_month, visit_month
-- repair: Trigger cht_marts with the source under Recount
with computed as (
    select
        report.source,
        coalesce(report.visited_uuid, nullif(person.place, '')) as place_uuid,
        coalesce(date_trunc('month', report.reported at time zone deployment.timezone), '-infinity')::date as month,
        count(*) as reports
    from models.report as report
    cross join ops.deployment
    left join model_data.counted_person as person on person.source = report.source and person.uuid = report.subject_uuid
    group by 1, 2, 3
),

total as (
    select 'reports' as what, report.source, count(*) as number, 0 as kept from models.report as report group by report.source
    union all
    select 'reports', kept.source, 0, sum(kept.reports) from models.report_month as kept group by kept.source
    union all
    select 'registrations', person.source, count(*), 0 from models.person as person group by person.source
    union all
    select 'registrations', kept.source, 0, sum(kept.persons) from models.registration_month as kept group by kept.source
    union all
    select 'registrations of patients', person.source, count(*) filter (where person.is_patient), 0
    from models.person as person
    group by person.source
    union all
    select 'registrations of patients', kept.source, 0, sum(kept.patients)
    from models.registration_month as kept
    group by kept.source
)

select source, null as area_uuid, 'a month''s visits differ from the models' as problem
from models.visit_month as kept
full join (
    select computed.source, computed.place_uuid, computed.month, computed.reports
    from computed
    where computed.place_uuid is not null
) as given using (source, place_uuid, month)
where kept.reports is distinct from given.reports
union all
select total.source, null as area_uuid, 'the ' || total.what || ' by month do not add up to all' as problem
from total
group by total.source, total.what
having sum(total.number) <> sum(total.kept)
