-- One row a household, with how many live in it.
-- uuid: The place's _id
-- name, contact_type: Of the place
-- reported: When it was registered
-- area_uuid, area_name: The place that it is counted in
-- head_uuid, head_name: The contact that it names as its own
-- persons: Whose parent it is
-- persons_active: Of them, those neither deceased nor muted
-- persons_muted: Of them, those alive who are muted, or below a muted place
-- persons_deceased: Of them, the deceased
-- patients: Of them, those with a patient_id
-- patients_active, patients_muted, patients_deceased: Of these patients
-- complete: false until the source was first copied to its end
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
