-- One row a live place, households and rows of zeros too, and one a source with an empty area_uuid: persons in no place.
-- direct_: persons whose parent is this place; total_: with everything below it.
-- parent_uuid: as the document has it; effective_parent: the place in whose totals this one is counted.
-- level: 1 at the top; household: whoever is directly in it is in a household.
-- complete: false until the source was first copied to its end.
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
