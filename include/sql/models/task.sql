-- One row per task that the app has shown to a user: what to do, for whom, by when, and its state.
-- user_id: The user whose app made it, as in models."user"
-- owner: The contact that it is about
-- requester: The contact that submitted the document from which it was made
-- for_uuid: The contact that its action is for
-- state: Draft, Ready, Cancelled, Completed or Failed
-- state_reason: Why it is in that state, if the app says so
-- state_since: When it entered that state
-- authored: When it was made
-- title: Usually a key of the translations
-- event: The event in its definition
-- emission_id: The app's id of it, made of the task's origin, its event and a number
-- priority: As the definition says
-- starts_on: The first day on which it is shown
-- due_on: The day on which it is due
-- ends_on: The last day on which it is shown
-- key: source, _id
-- index: source, user_id
-- index: source, owner
-- index: source, due_on
select
    document.source,
    document._id,
    document._id as uuid,
    document.saved_timestamp,
    cht.key(cht.string(doc."user")) collate "C" as user_id,
    cht.key(nullif(cht.string(doc.owner), '')) collate "C" as owner,
    cht.key(nullif(cht.string(doc.requester), '')) collate "C" as requester,
    cht.key(nullif(cht.string(doc.emission -> 'forId'), '')) collate "C" as for_uuid,
    doc.state,
    doc."stateReason" as state_reason,
    cht.instant(doc."stateHistory" -> -1 -> 'timestamp') as state_since,
    cht.instant(doc."authoredOn") as authored,
    doc.emission ->> 'title' as title,
    nullif(split_part(cht.string(doc.emission -> '_id'), '~', -2), '') as event,
    cht.string(doc.emission -> '_id') as emission_id,
    doc.emission ->> 'priority' as priority,
    cht.day(doc.emission -> 'startDate') as starts_on,
    cht.day(doc.emission -> 'dueDate') as due_on,
    cht.day(doc.emission -> 'endDate') as ends_on
from document
cross join lateral jsonb_to_record(document.doc) as doc (
    "user" jsonb, owner jsonb, requester jsonb, emission jsonb, state text, "stateReason" text, "stateHistory" jsonb,
    "authoredOn" jsonb
)
where document.type = 'task' and document.is_main
