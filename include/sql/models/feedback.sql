-- One row per feedback document: an error that the app reported itself, or a message that a user wrote.
-- The log in the document is left out, since it can hold patients' data.
-- origin: automatic (an error), manual (a message), or another word of the app; CHT Sync calls this column source
-- url: The page that was open in the app
-- user_name: The app's user, without org.couchdb.user:
-- period_start: When it happened, as the app wrote it
-- reported: The same time as a timestamp
-- cause: info.cause, else all of info
-- message: The text of the error, or the user's message
-- app_version: The version of the app
-- device_id: The id of the device
-- key: source, _id
-- index: source, reported
select
    document.source,
    document._id,
    document._id as uuid,
    document.saved_timestamp,
    doc.meta ->> 'source' as origin,
    doc.meta ->> 'url' as url,
    doc.meta #>> '{user,name}' as user_name,
    doc.meta ->> 'time' as period_start,
    cht.instant(doc.meta -> 'time') as reported,
    coalesce(doc.info ->> 'cause', doc.info #>> '{}') as cause,
    doc.info ->> 'message' as message,
    doc.meta ->> 'version' as app_version,
    doc.meta ->> 'deviceId' as device_id
from document
cross join lateral jsonb_to_record(document.doc) as doc (meta jsonb, info jsonb)
where document.type = 'feedback'
