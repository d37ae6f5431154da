-- One row per place of fold_look with the place above it, before cycles are cut.
-- key: source, _id
-- after: fold_contact
-- index: source, _id
select
    contact.source,
    contact._id,
    contact.name,
    contact.contact_type,
    contact.parent_uuid,
    contact.up,
    contact.household,
    contact.is_muted,
    contact.is_orphan
from pg_temp.fold_contact as contact
where contact.kind = 'place'
