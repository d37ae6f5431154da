-- One row a live place, households and rows of zeros too, and one a source with an empty area_uuid: persons in no place.
-- area_uuid: The place's _id; empty for unplaced
-- name, contact_type: Of the place
-- parent_uuid: The parent that its document names
-- direct_persons: Persons whose parent is this place
-- total_persons: Persons in this place and in everything below it
-- direct_persons_active, total_persons_active: Of them, those neither deceased nor muted
-- direct_persons_muted, total_persons_muted: Of them, those alive who are muted, or below a muted place
-- direct_persons_deceased, total_persons_deceased: Of them, the deceased
-- direct_patients, total_patients: Of them, those with a patient_id
-- direct_patients_active, total_patients_active: Of these patients, those neither deceased nor muted
-- direct_patients_muted, total_patients_muted: Of these patients, those alive who are muted, or below a muted place
-- direct_patients_deceased, total_patients_deceased: Of these patients, the deceased
-- effective_parent: The place in whose totals this one is counted
-- level: 1 at the top, 2 below that …; 0 for unplaced
-- household: Whoever is directly in it is in a household
-- is_orphan: Its parent is not there, or is not a place
-- in_cycle: It is above itself
-- complete: false until the source was first copied to its end
-- reads: area_fold
select
    fold.source,
    fold.area_uuid,
    fold.name,
    fold.contact_type,
    fold.parent_uuid,
    fold.direct_persons,
    fold.direct_persons_active,
    fold.direct_persons_muted,
    fold.direct_persons_deceased,
    fold.direct_patients,
    fold.direct_patients_active,
    fold.direct_patients_muted,
    fold.direct_patients_deceased,
    fold.total_persons,
    fold.total_persons_active,
    fold.total_persons_muted,
    fold.total_persons_deceased,
    fold.total_patients,
    fold.total_patients_active,
    fold.total_patients_muted,
    fold.total_patients_deceased,
    fold.effective_parent,
    fold.level,
    fold.household,
    fold.is_orphan,
    fold.in_cycle,
    noted.caught_up_at is not null as complete
from model_data.area_fold as fold
left join ops.model_source as noted on noted.source = fold.source
