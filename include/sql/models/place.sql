-- One row per place: a contact whose type is not a person type, whether it is configured or not.
-- contact_id: The place's contact: contact_id, else contact._id
-- place_id: The short code
-- name, contact_type, parent_uuid, is_muted: As in models.contact
-- household: Whether its configured type is no other place type's parent; if no types are configured, whether it is a clinic
-- key: source, _id
-- after: contact, configured_type
-- affected:
--   select place.source, place._id
--   from changed
--   join models.place as place on place.source = changed.source
--   left join models.configured_type as type on type.source = place.source and type.id = place.contact_type
--   where changed._id = 'settings'
--     and place.household is distinct from case
--         when exists (select from models.configured_type as any_type where any_type.source = place.source)
--         then coalesce(type.household, false)
--         else coalesce(place.contact_type = 'clinic', false)
--     end
select
    contact.source,
    contact._id,
    contact.uuid,
    contact.saved_timestamp,
    coalesce(nullif(doc.contact_id, ''), cht.reference(doc.contact)) as contact_id,
    cht.key(cht.code(doc.place_id)) as place_id,
    contact.name,
    contact.contact_type,
    contact.parent_uuid,
    contact.is_muted,
    case
        when exists (select from models.configured_type as any_type where any_type.source = contact.source)
        then coalesce(type.household, false)
        else coalesce(contact.contact_type = 'clinic', false)
    end as household
from document
join models.contact as contact on contact.source = document.source and contact._id = document._id
cross join lateral jsonb_to_record(document.doc) as doc (contact_id text, contact jsonb, place_id jsonb)
left join models.configured_type as type on type.source = contact.source and type.id = contact.contact_type
where not contact.is_person
