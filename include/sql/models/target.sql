-- One row per target in a user's target document: how far it was met in a month.
-- id: The id of the target in the app's settings
-- owner: The user's contact
-- user_id: The user, as in models."user"
-- period: The month, such as 2024-05; null if neither the document nor its _id has it
-- updated: When the app last counted
-- type: count, or percent
-- goal: The number to reach; -1 if there is none
-- passed: How many met it
-- total: The number that passed is a part of
-- percent: As the app counted it; null for a count
-- key: source, _id, id
-- index: source, owner
-- index: source, period
select
    document.source,
    document._id,
    entry.id,
    document.saved_timestamp,
    cht.key(nullif(cht.string(doc.owner), '')) collate "C" as owner,
    cht.key(cht.string(doc."user")) collate "C" as user_id,
    cht.key(coalesce(
        cht.string(doc.reporting_period), substring(document._id from '^target~(\d{4}-\d{2})~')
    )) collate "C" as period,
    cht.instant(doc.updated_date) as updated,
    entry.value ->> 'type' as type,
    cht.number(entry.value -> 'goal') as goal,
    cht.number(entry.value #> '{value,pass}') as passed,
    cht.number(entry.value #> '{value,total}') as total,
    cht.number(entry.value #> '{value,percent}') as percent
from document
cross join lateral jsonb_to_record(document.doc) as doc (
    owner jsonb, "user" jsonb, reporting_period jsonb, updated_date jsonb
)
-- of two with one id the last; sorted in the document, so that documents needn't be
cross join lateral (
    select distinct on (named.id) named.id, named.value
    from (
        select cht.key(target.value ->> 'id') collate "C" as id, target.value, target.position
        from jsonb_path_query(
            document.doc, 'strict $.targets[*] ? (@.id != "" && @.id.type() == "string")', silent => true
        ) with ordinality as target (value, position)
    ) as named
    where named.id is not null
    order by named.id, named.position desc
) as entry
where document.type = 'target' and document.is_main
