-- One row per contact whose parent is missing, or is not a place. It is a separate table because the planner has to know that
-- there are few, before their documents are read.
-- key: source, uuid
-- analyze: all
select place.source, place._id as uuid, place.parent_uuid, false as is_person
from models.place as place
join pg_temp.fold_source on fold_source.source = place.source
left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
where place.parent_uuid is not null and parent._id is null
union all
select person.source, person._id as uuid, person.parent_uuid, true as is_person
from models.person as person
join pg_temp.fold_source on fold_source.source = person.source
left join models.place as parent on parent.source = person.source and parent._id = person.parent_uuid
where person.parent_uuid is not null and parent._id is null
