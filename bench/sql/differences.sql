-- How many rows of the counts are not what the materialized view has from the contacts.
select count(*)
from (
    select
        area.source, area.area_uuid, area.direct_persons, area.total_persons, area.total_persons_muted,
        area.total_persons_deceased, area.total_patients, area.total_patients_muted, area.total_patients_deceased,
        area.total_households, area.total_staff, area.total_in_household
    from models.area_count as area
    where area.area_uuid <> ''
    except
    select
        area.source, area.area_uuid, area.direct_persons, area.total_persons, area.total_persons_muted,
        area.total_persons_deceased, area.total_patients, area.total_patients_muted, area.total_patients_deceased,
        area.total_households, area.total_staff, area.total_in_household
    from bench.area_totals as area
) as different
