-- One row per place with the place above it, before cycles are cut.
-- up: The parent that its document names, if that is a live place; else the nearest live place of its own lineage
-- key: source, _id
-- after: fold_orphan_now
-- index: source, _id
-- analyze: all
select
    place.source,
    place._id,
    coalesce(parent._id, orphan.effective_parent) as up,
    orphan.uuid is not null as is_orphan
from models.place as place
join pg_temp.fold_source on fold_source.source = place.source
left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
left join pg_temp.fold_orphan_now as orphan on orphan.source = place.source and orphan.uuid = place._id
