-- One row an area above the household, of every level, and one a source with an empty area_uuid: persons in no place.
-- area_uuid: The place's _id; empty for unplaced
-- name, contact_type: Of the area
-- level: 1 at the top, 2 below that …; 0 for unplaced
-- parent_uuid: The area in whose totals this one is counted
-- parent_name: Its name
-- direct_persons: Persons whose parent is this area
-- total_persons: Persons in this area and in everything below it
-- direct_persons_active, total_persons_active: Of them, those neither deceased nor muted
-- direct_persons_muted, total_persons_muted: Of them, those alive who are muted, or below a muted place
-- direct_persons_deceased, total_persons_deceased: Of them, the deceased
-- direct_patients, total_patients: Of them, those with a patient_id
-- direct_patients_active, total_patients_active: Of these patients, those neither deceased nor muted
-- direct_patients_muted, total_patients_muted: Of these patients, those alive who are muted, or below a muted place
-- direct_patients_deceased, total_patients_deceased: Of these patients, the deceased
-- complete: false until the source was first copied to its end
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
