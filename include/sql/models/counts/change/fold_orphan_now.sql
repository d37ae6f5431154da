-- One row per contact of fold_look that is an orphan now.
-- effective_parent: The nearest live place of its own lineage
-- key: source, uuid
-- after: fold_contact
-- make: view
select
    contact.source,
    contact._id as uuid,
    contact.kind = 'person' as is_person,
    contact.parent_uuid,
    contact.up as effective_parent
from pg_temp.fold_contact as contact
where contact.is_orphan
