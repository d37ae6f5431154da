-- One row a target of a user's document of targets: how far it was met in a month.
-- id: Of the target, as the settings of the app name it
-- owner: The user's contact
-- user_id: The user, as in models."user"
-- period: The month, such as 2024-05; null where neither the document nor its _id tells it
-- updated: When the app counted last
-- type: count, or percent
-- goal: What is aimed at; -1 is none
-- passed: How many have met it
-- total: Of how many
-- percent: As the app counted it; null for a count
-- key: source, _id, id
-- index: source, owner
-- index: source, period
with entry as (
    select
        document.source,
        document._id,
        document.saved_timestamp,
        document.doc,
        cht.key(cht.string(entry.value -> 'id')) collate "C" as id,
        entry.value,
        entry.position
    from document
    cross join lateral jsonb_path_query(
        document.doc, 'strict $.targets[*] ? (@.id != "" && @.id.type() == "string")', silent => true
    ) with ordinality as entry (value, position)
    where document.type = 'target' and cht.is_main(document.source)
)

select distinct on (entry.source, entry._id, entry.id)
    entry.source,
    entry._id,
    entry.id,
    entry.saved_timestamp,
    cht.key(nullif(cht.string(entry.doc -> 'owner'), '')) collate "C" as owner,
    cht.key(cht.string(entry.doc -> 'user')) collate "C" as user_id,
    cht.key(coalesce(cht.string(entry.doc -> 'reporting_period'), substring(entry._id from '^target~(\d{4}-\d{2})~')))
        collate "C" as period,
    cht.instant(entry.doc -> 'updated_date') as updated,
    entry.value ->> 'type' as type,
    cht.number(entry.value -> 'goal') as goal,
    cht.number(entry.value #> '{value,pass}') as passed,
    cht.number(entry.value #> '{value,total}') as total,
    cht.number(entry.value #> '{value,percent}') as percent
from entry
where entry.id is not null
order by entry.source, entry._id, entry.id, entry.position desc
