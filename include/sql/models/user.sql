-- One row per user: the user's settings.
-- user_id: The account: org.couchdb.user: and the login
-- contact_uuid: The user's contact, else the user's place, as written
-- language: The language of the app
-- roles: A JSON array as text
-- contact_id: The user's contact only
-- key: source, _id
-- index: source, contact_id
select
    document.source,
    document._id,
    document._id as user_id,
    document.saved_timestamp,
    coalesce(doc.contact_id #>> '{}', doc.facility_id) as contact_uuid,
    doc.language,
    doc.roles,
    cht.key(nullif(cht.string(doc.contact_id), '')) collate "C" as contact_id
from document
cross join lateral jsonb_to_record(document.doc) as doc (contact_id jsonb, facility_id text, language text, roles text)
where document.type = 'user-settings' and document.is_main
