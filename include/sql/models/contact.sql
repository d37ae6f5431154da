-- One row per contact, which is a person or a place, as its own document describes it.
-- reported: When it was registered, by the device's clock; null if it cannot be read
-- parent_uuid: The parent that its document names; null at the top
-- name: As written
-- contact_type: The id of its type: contact_type if type is contact, else type
-- active: The value of is_active, as text
-- notes: As written
-- muted: As written, usually the time of muting; null if it is empty
-- is_muted: Whether it is muted itself; the places above it are not considered here
-- is_person: Whether the settings configure its type as a person type, or its type is person; all other contacts are places
-- configured: Whether the settings have its type
-- lineage: A digest of the ancestors' ids that its document embeds; null if it names no parent
-- key: source, _id
-- index: source, parent_uuid
-- after: configured_type
-- affected:
--   select contact.source, contact._id
--   from changed
--   join models.contact as contact on contact.source = changed.source
--   left join models.configured_type as type on type.source = contact.source and type.id = contact.contact_type
--   where changed._id = 'settings'
--     and (contact.is_person, contact.configured)
--         is distinct from (coalesce(type.person, contact.contact_type = 'person', false), type.id is not null)
select
    document.source,
    document._id,
    document._id as uuid,
    document.saved_timestamp,
    cht.instant(doc.reported_date) as reported,
    cht.reference(doc.parent) collate "C" as parent_uuid,
    doc.name,
    own.contact_type,
    doc.is_active as active,
    doc.notes,
    nullif(doc.muted #>> '{}', '') as muted,
    cht.is_muted(doc.muted) as is_muted,
    coalesce(type.person, own.contact_type = 'person', false) as is_person,
    type.id is not null as configured,
    cht.lineage_digest(doc.parent) as lineage
from document
cross join lateral jsonb_to_record(document.doc) as doc (
    reported_date jsonb, parent jsonb, name text, contact_type jsonb, is_active text, notes text, muted jsonb
)
cross join lateral (
    select
        case document.type when 'contact' then cht.key(cht.string(doc.contact_type)) else document.type end
        collate "C" as contact_type
) as own
left join models.configured_type as type on type.source = document.source and type.id = own.contact_type
where document.type in ('contact', 'district_hospital', 'health_center', 'clinic', 'person')
  and document.is_main
