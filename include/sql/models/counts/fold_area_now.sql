-- One row per place: the correct row of model_data.place_count.
-- key: source, area_uuid
-- after: fold_place, fold_own, fold_total
-- make: view
select
    place.source,
    place._id as area_uuid,
    place.name,
    place.contact_type,
    place.parent_uuid,
    place.up as effective_parent,
    place.household,
    place.is_muted,
    place.is_orphan,
    place.in_cycle,
    own.direct_persons,
    own.direct_persons_muted,
    own.direct_persons_deceased,
    own.direct_patients,
    own.direct_patients_muted,
    own.direct_patients_deceased,
    own.direct_households,
    own.direct_staff,
    own.direct_in_household,
    coalesce(total.persons, 0) as total_persons,
    coalesce(total.persons_muted, 0) as total_persons_muted,
    coalesce(total.persons_deceased, 0) as total_persons_deceased,
    coalesce(total.patients, 0) as total_patients,
    coalesce(total.patients_muted, 0) as total_patients_muted,
    coalesce(total.patients_deceased, 0) as total_patients_deceased,
    coalesce(total.households, 0) as total_households,
    coalesce(total.staff, 0) as total_staff,
    coalesce(total.in_household, 0) as total_in_household
from pg_temp.fold_place as place
join pg_temp.fold_own as own on own.source = place.source and own._id = place._id
left join pg_temp.fold_total as total on total.source = place.source and total._id = place._id
