-- One row a task that the app has shown a user: what to do for whom, by when, and what has become of it.
-- user_id: The user whose app made it, as in models."user"
-- owner: The contact that it is about
-- requester: The contact that submitted what it is made of
-- for_uuid: The contact that its action is for
-- state: Draft, Ready, Cancelled, Completed or Failed
-- state_reason: Why it is in that state, where the app tells
-- state_since: When it came into that state
-- authored: When it was made
-- title: A key of the translations, mostly
-- event: Which of the events of its definition it is
-- emission_id: Of the app; what the task is made of, the event and its number
-- priority: As the definition says
-- starts_on, ends_on: The first and the last day on which it is shown
-- due_on: The day on which it is due
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
