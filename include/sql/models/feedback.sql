-- One row a feedback document: an error that the app has told by itself, or a message that a user wrote.
-- What was logged before it isn't taken in: it can hold patients' data.
-- origin: automatic (an error), manual (a message), or what else the app wrote; CHT Sync calls it source
-- url: The page of the app that was open
-- user_name: Whose app it was, without org.couchdb.user:
-- period_start: When it happened, as the app wrote it
-- reported: The same as a moment
-- cause: info.cause, else all of info
-- message: What the error says, or what the user wrote
-- app_version: Of the app
-- device_id: Of the device
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
