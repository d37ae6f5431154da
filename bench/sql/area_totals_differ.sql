-- The number of rows of the counts that differ from the materialized view of the contacts.
select count(*)
from (
    select
        area.source, area.area_uuid, area.direct_persons, area.direct_persons_muted, area.direct_persons_deceased,
        area.direct_patients, area.direct_patients_muted, area.direct_patients_deceased, area.direct_staff,
        area.direct_in_household, area.direct_households, area.total_persons, area.total_persons_muted,
        area.total_persons_deceased, area.total_patients, area.total_patients_muted, area.total_patients_deceased,
        area.total_staff, area.total_in_household, area.total_households
    from models.area_count as area
    where area.area_uuid <> ''
    except
    select
        area.source, area.area_uuid, area.direct_persons, area.direct_persons_muted, area.direct_persons_deceased,
        area.direct_patients, area.direct_patients_muted, area.direct_patients_deceased, area.direct_staff,
        area.direct_in_household, area.direct_households, area.total_persons, area.total_persons_muted,
        area.total_persons_deceased, area.total_patients, area.total_patients_muted, area.total_patients_deceased,
        area.total_staff, area.total_in_household, area.total_households
    from bench.area_totals as area
) as different
