-- One row per contact type that a source's settings configure.
-- id: The id of the type
-- person: Whether its contacts are persons
-- household: Whether it is a place type that no other place type names as its parent
-- key: source, _id, id
with entry as (
    select
        document.source,
        document._id,
        document.saved_timestamp,
        cht.key(cht.string(entry.value -> 'id')) collate "C" as id,
        entry.value -> 'person' = 'true'::jsonb as says_person,
        entry.value -> 'parents' as parents
    from document
    cross join lateral jsonb_path_query(
        document.doc, 'strict $.settings.contact_types[*] ? (@.id != "" && @.id.type() == "string")', silent => true
    ) as entry (value)
    where document._id = 'settings' and document.is_main
),

type as (
    select
        entry.source,
        entry._id,
        entry.id,
        min(entry.saved_timestamp) as saved_timestamp,
        coalesce(bool_or(entry.says_person), false) or entry.id = 'person' as person,
        coalesce(jsonb_agg(entry.parents) filter (where entry.parents is not null), '[]') as parents
    from entry
    where entry.id is not null
    group by entry.source, entry._id, entry.id
)

select
    type.source,
    type._id,
    type.id,
    type.saved_timestamp,
    type.person,
    not type.person and not exists (
        select
        from type as child
        where child.source = type.source
          and child.id <> type.id
          and not child.person
          and jsonb_path_exists(child.parents, 'lax $[*][*] ? (@ == $id)', jsonb_build_object('id', type.id))
    ) as household
from type
