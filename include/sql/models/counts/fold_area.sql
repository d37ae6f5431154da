-- One row per place whose row of model_data.place_count is wrong: the correct row, or only the key if the place is gone.
-- is_gone: Whether it is kept, and is no place now
-- is_moved: Whether it is or was a household, and is new, gone, of another kind, or has another place above it
-- key: source, area_uuid
-- after: fold_area_now, fold_area_was
-- analyze: is_moved
select
    now.source is null as is_gone,
    case when now.source is null then was.household else
        (now.household or coalesce(was.household, false))
            and (was.household, was.effective_parent, was.parent_uuid)
                is distinct from (now.household, now.effective_parent, now.parent_uuid)
    end as is_moved,
    coalesce(now.source, was.source) as source,
    coalesce(now.area_uuid, was.area_uuid) as area_uuid,
    now.name, now.contact_type, now.parent_uuid, now.effective_parent,
    now.household, now.is_muted, now.is_orphan, now.in_cycle,
    now.direct_persons, now.direct_persons_muted, now.direct_persons_deceased,
    now.direct_patients, now.direct_patients_muted, now.direct_patients_deceased,
    now.direct_households, now.direct_staff, now.direct_in_household,
    now.total_persons, now.total_persons_muted, now.total_persons_deceased,
    now.total_patients, now.total_patients_muted, now.total_patients_deceased,
    now.total_households, now.total_staff, now.total_in_household
from pg_temp.fold_area_now as now
full join pg_temp.fold_area_was as was on was.source = now.source and was.area_uuid = now.area_uuid
where now.source is null or was.source is null or (
    was.name, was.contact_type, was.parent_uuid, was.effective_parent,
    was.household, was.is_muted, was.is_orphan, was.in_cycle,
    was.direct_persons, was.direct_persons_muted, was.direct_persons_deceased,
    was.direct_patients, was.direct_patients_muted, was.direct_patients_deceased,
    was.direct_households, was.direct_staff, was.direct_in_household,
    was.total_persons, was.total_persons_muted, was.total_persons_deceased,
    was.total_patients, was.total_patients_muted, was.total_patients_deceased,
    was.total_households, was.total_staff, was.total_in_household
) is distinct from (
    now.name, now.contact_type, now.parent_uuid, now.effective_parent,
    now.household, now.is_muted, now.is_orphan, now.in_cycle,
    now.direct_persons, now.direct_persons_muted, now.direct_persons_deceased,
    now.direct_patients, now.direct_patients_muted, now.direct_patients_deceased,
    now.direct_households, now.direct_staff, now.direct_in_household,
    now.total_persons, now.total_persons_muted, now.total_persons_deceased,
    now.total_patients, now.total_patients_muted, now.total_patients_deceased,
    now.total_households, now.total_staff, now.total_in_household
)
