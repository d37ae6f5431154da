-- One row a contact whose parent is not there, or is not a place.
-- is_person: Whether it is a person; else it is a place
-- name, contact_type: Of the contact
-- parent_uuid: The parent that its document names
-- effective_parent: The nearest live place of its own embedded lineage, in whose totals it is counted; null where none is
-- reads: place_count, contact
select
    orphan.source,
    orphan.uuid,
    orphan.is_person,
    contact.name,
    contact.contact_type,
    orphan.parent_uuid,
    orphan.effective_parent
from model_data.orphan as orphan
left join models.contact as contact on contact.source = orphan.source and contact._id = orphan.uuid
