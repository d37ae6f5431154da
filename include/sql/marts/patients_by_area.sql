-- One row an area above the household, of every level, and one a source with an empty area_uuid: persons in no place.
-- direct_: persons whose parent is this area; total_: with everything below it, households included.
-- parent_uuid: the area in whose totals this one is counted; level: 1 at the top.
-- complete: false until the source was first copied to its end.
-- key: source, area_uuid
-- reads: area_fold
select
    area.source,
    area.area_uuid,
    area.name,
    area.contact_type,
    area.level,
    area.effective_parent as parent_uuid,
    parent.name as parent_name,
    area.direct_persons,
    area.direct_persons_active,
    area.direct_persons_muted,
    area.direct_persons_deceased,
    area.direct_patients,
    area.direct_patients_active,
    area.direct_patients_muted,
    area.direct_patients_deceased,
    area.total_persons,
    area.total_persons_active,
    area.total_persons_muted,
    area.total_persons_deceased,
    area.total_patients,
    area.total_patients_active,
    area.total_patients_muted,
    area.total_patients_deceased,
    area.complete
from models.area_count as area
left join models.area_count as parent on parent.source = area.source and parent.area_uuid = area.effective_parent
where not area.household
