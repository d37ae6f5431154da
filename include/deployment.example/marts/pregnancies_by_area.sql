-- One row an area and month in which a pregnancy was reported there.
-- area_uuid, area_name: The area of the submitters at that time; area_uuid is empty if it is not known
-- month: Its first day, in UTC
-- pregnancies: Women, each counted once
-- risky: Those of them with a danger sign
-- key: source, area_uuid, month
-- reads: pregnancy, contact
select
    pregnancy.source,
    coalesce(pregnancy.area_uuid, '') as area_uuid,
    min(area.name) as area_name,
    date_trunc('month', pregnancy.reported, 'UTC')::date as month,
    count(distinct pregnancy.subject_uuid) as pregnancies,
    count(distinct pregnancy.subject_uuid) filter (where pregnancy.is_risky) as risky
from models.pregnancy as pregnancy
left join models.contact as area on area.source = pregnancy.source and area._id = pregnancy.area_uuid
where pregnancy.reported is not null
group by pregnancy.source, coalesce(pregnancy.area_uuid, ''), date_trunc('month', pregnancy.reported, 'UTC')::date
