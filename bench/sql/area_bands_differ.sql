-- The number of rows by sex and age that differ from the materialized view of the contacts, or are missing in one of both.
select count(*)
from (
    select
        area.source, area.area_uuid, area.sex, area.band, area.direct_persons, area.direct_patients, area.total_persons,
        area.total_patients
    from models.area_band as area
    where area.area_uuid <> ''
) as kept
full join bench.area_bands as area
    on area.source = kept.source and area.area_uuid = kept.area_uuid and area.sex = kept.sex and area.band = kept.band
where (area.direct_persons, area.direct_patients, area.total_persons, area.total_patients)
    is distinct from (kept.direct_persons, kept.direct_patients, kept.total_persons, kept.total_patients)
