-- One row per place that is above itself.
-- name: The place's name
-- contact_type: The place's type
-- parent_uuid: The parent that its document names
-- top: The place of its cycle with the smallest _id; it counts as having no parent
-- reads: place_count, contact
select
    cycle.source,
    cycle.uuid,
    contact.name,
    contact.contact_type,
    contact.parent_uuid,
    cycle.top
from model_data.cycle as cycle
left join models.contact as contact on contact.source = cycle.source and contact._id = cycle.uuid
