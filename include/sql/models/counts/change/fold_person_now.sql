-- One row per person of fold_look, as counted now.
-- place: The place above; empty if there is none
-- is_direct: Whether it is the parent that the person's document names
-- key: source, uuid
-- after: fold_contact
-- make: view
select
    contact.source,
    contact._id as uuid,
    coalesce(contact.up, '') collate "C" as place,
    not contact.is_orphan or contact.up is null as is_direct,
    contact.is_patient,
    contact.is_deceased,
    contact.is_muted,
    contact.is_staff,
    contact.in_household,
    contact.sex,
    contact.band,
    contact.turns_on
from pg_temp.fold_contact as contact
where contact.kind = 'person'
