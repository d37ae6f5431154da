-- One row per contact whose parent is missing, or is not a place.
-- is_person: Whether it is a person; else it is a place
-- name: The contact's name
-- contact_type: The contact's type
-- parent_uuid: The parent that its document names
-- effective_parent: The nearest live place in the lineage that its document embeds; it is counted there. Null if there is none
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
