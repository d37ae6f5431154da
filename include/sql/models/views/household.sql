-- One row per household, with the number of persons in it.
-- uuid: The place's _id
-- name: The place's name
-- contact_type: The place's type
-- reported: When it was registered
-- area_uuid: The place in which it is counted
-- area_name: The name of that place
-- head_uuid: The contact that the household names as its own
-- head_name: The name of that contact
-- persons: Persons whose parent it is
-- persons_active: Those of them who are neither deceased nor muted
-- persons_muted: Those of them who are alive, and are muted or below a muted place
-- persons_deceased: Those of them who are deceased
-- patients: Those of them who have a patient_id
-- patients_active: Those of these patients who are neither deceased nor muted
-- patients_muted: Those of these patients who are alive, and are muted or below a muted place
-- patients_deceased: Those of these patients who are deceased
-- complete: false until the first copy of the source is complete
-- reads: place_count, contact, place
select
    area.source,
    area.area_uuid as uuid,
    area.name,
    area.contact_type,
    contact.reported,
    area.effective_parent as area_uuid,
    above.name as area_name,
    place.contact_id as head_uuid,
    head.name as head_name,
    area.direct_persons as persons,
    area.direct_persons_active as persons_active,
    area.direct_persons_muted as persons_muted,
    area.direct_persons_deceased as persons_deceased,
    area.direct_patients as patients,
    area.direct_patients_active as patients_active,
    area.direct_patients_muted as patients_muted,
    area.direct_patients_deceased as patients_deceased,
    area.complete
from models.area_count as area
join models.place as place on place.source = area.source and place._id = area.area_uuid
join models.contact as contact on contact.source = place.source and contact._id = place._id
left join models.contact as above on above.source = area.source and above._id = area.effective_parent
left join models.contact as head on head.source = place.source and head._id = place.contact_id
where area.household
