-- One row per orphan: a contact whose parent is missing, or is not a place.
-- effective_parent: The nearest live place of its own lineage
-- key: source, uuid
-- after: fold_stranded, fold_chain_now
-- analyze: all
select
    contact.source,
    contact.uuid,
    contact.is_person,
    contact.parent_uuid,
    nearest._id as effective_parent
from pg_temp.fold_stranded as contact
left join lateral (
    select place._id
    from pg_temp.fold_chain_now as chain
    join models.place as place on place.source = chain.source and place._id = chain.ancestor
    where chain.source = contact.source and chain.uuid = contact.uuid
    order by chain.position
    limit 1
) as nearest on true
