-- One row per contact of fold_look, as it is now. The place above it is its parent, if that is a live place; else the nearest
-- live place of its own lineage. The lineage is kept, and read again from the document if that has changed.
-- kind: person, place, or null if it is neither
-- up: The place above it
-- lineage: Of an orphan, the nearest first
-- key: source, _id
-- after: fold_look, fold_orphan_was, fold_chain_was
-- analyze: source, _id
select
    look.source,
    look._id,
    look.is_gone,
    case when person._id is not null then 'person' when place._id is not null then 'place' end as kind,
    above.parent_uuid,
    above.is_orphan,
    coalesce(parent._id, nearest._id) collate "C" as up,
    place.name,
    place.contact_type,
    place.household,
    coalesce(person.is_muted, place.is_muted) as is_muted,
    person.is_patient,
    person.is_deceased,
    person.is_staff,
    person.in_household,
    person.sex,
    (case when not person.is_deceased then cht.age_band(person.born_on, fold_source.today) end) collate "C" as band,
    case when not person.is_deceased then cht.band_turns_on(person.born_on, fold_source.today) end as turns_on,
    case when above.is_orphan then coalesce(embedded.lineage, kept.lineage) end as lineage
from pg_temp.fold_look as look
join pg_temp.fold_source on fold_source.source = look.source
left join lateral (
    select
        person._id, person.parent_uuid, person.is_patient, person.is_deceased, person.is_muted, person.is_staff,
        person.in_household, person.sex_group as sex, person.born_on
    from models.person as person
    where person.source = look.source and person._id = look._id
    offset 0
) as person on true
left join lateral (
    select place._id, place.parent_uuid, place.name, place.contact_type, place.household, place.is_muted
    from models.place as place
    where person._id is null and place.source = look.source and place._id = look._id
    offset 0
) as place on true
left join lateral (
    select parent._id
    from models.place as parent
    where parent.source = look.source and parent._id = coalesce(person.parent_uuid, place.parent_uuid)
    offset 0
) as parent on true
cross join lateral (
    select
        coalesce(person.parent_uuid, place.parent_uuid) as parent_uuid,
        coalesce(person.parent_uuid, place.parent_uuid) is not null and parent._id is null as is_orphan
) as above
left join (
    select chain.source, chain.uuid, array_agg(chain.ancestor order by chain.position) as lineage
    from pg_temp.fold_chain_was as chain
    group by chain.source, chain.uuid
) as kept on kept.source = look.source and kept.uuid = look._id
left join lateral (
    select cht.lineage(document.doc -> 'parent') as lineage
    from staging.document as document
    where above.is_orphan and document.source = look.source and document._id = look._id
        and (look.is_named or not exists (
            select from pg_temp.fold_orphan_was as orphan where orphan.source = look.source and orphan.uuid = look._id
        ))
    offset 0
) as embedded on true
left join lateral (
    select place._id
    from unnest(coalesce(embedded.lineage, kept.lineage)) with ordinality as chain (ancestor, position)
    cross join lateral (
        select place._id
        from models.place as place
        where place.source = look.source and place._id = chain.ancestor collate "C"
        offset 0
    ) as place
    where above.is_orphan
    order by chain.position
    limit 1
) as nearest on true
