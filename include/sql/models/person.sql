-- One row per person, living or deceased.
-- sex: As written
-- phone: As written
-- phone2: alternative_phone, as written
-- patient_id: The short code; null if there is none, or if it is too long for an index
-- name, contact_type, parent_uuid, reported, is_muted: As in models.contact
-- is_patient: Whether the person has a patient_id
-- is_deceased: Whether the person has a date_of_death
-- died_on: The date of death, if it was written as a day
-- died_at: The time of death, if it was written as a time
-- in_household: Whether the parent is a household
-- is_staff: Whether some user's settings name this person
-- sex_group: female, male, other (another value) or unknown; see docs/counts.md
-- born_on: The day of birth: the first of date_of_birth, dob_iso and ephemeral_dob.dob_iso that can be read
-- key: source, _id
-- index: source, parent_uuid
-- index: source, patient_id
-- after: contact, place, user
-- affected:
--   select person.source, person._id
--   from changed
--   join models.person as person on person.source = changed.source and person.parent_uuid = changed._id
--   left join models.place as place on place.source = changed.source and place._id = changed._id
--   where person.in_household <> coalesce(place.household, false)
--   union all
--   select staff.source, staff.contact_id
--   from changed
--   join models.user as staff on staff.source = changed.source and staff._id = changed._id
--   where staff.contact_id is not null
--   union all
--   select staff.source, staff.contact_id
--   from was_user as staff
--   where staff.contact_id is not null
select
    contact.source,
    contact._id,
    contact.uuid,
    contact.saved_timestamp,
    doc.sex,
    doc.phone,
    doc.alternative_phone as phone2,
    cht.key(cht.code(doc.patient_id)) collate "C" as patient_id,
    contact.name,
    contact.contact_type,
    contact.parent_uuid,
    contact.reported,
    cht.code(doc.patient_id) is not null as is_patient,
    cht.is_given(doc.date_of_death) as is_deceased,
    contact.is_muted,
    cht.day(doc.date_of_death) as died_on,
    case
        when cht.is_given(doc.date_of_death) and cht.day(doc.date_of_death) is null then cht.instant(doc.date_of_death)
    end as died_at,
    coalesce(place.household, false) as in_household,
    exists (
        select from models.user as staff where staff.source = contact.source and staff.contact_id = contact._id
    ) as is_staff,
    cht.sex(doc.sex) as sex_group,
    coalesce(
        cht.born_on(doc.date_of_birth), cht.born_on(doc.dob_iso), cht.born_on(doc.ephemeral_dob -> 'dob_iso')
    ) as born_on
from document
join models.contact as contact on contact.source = document.source and contact._id = document._id
cross join lateral jsonb_to_record(document.doc) as doc (
    sex text, phone text, alternative_phone text, patient_id jsonb, date_of_death jsonb, date_of_birth jsonb,
    dob_iso jsonb, ephemeral_dob jsonb
)
left join models.place as place on place.source = contact.source and place._id = contact.parent_uuid
where contact.is_person
