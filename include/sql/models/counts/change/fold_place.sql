-- One row per place that the change touches and that still exists, as it is counted now.
-- key: source, _id
-- after: fold_reached, fold_looked_place, fold_area_was
-- index: source, _id
-- analyze: source, _id, up
select
    own.source, own._id, own.name, own.contact_type, own.parent_uuid, own.up, own.household, own.is_muted, own.is_orphan,
    own.in_cycle
from pg_temp.fold_looked_place as own
union all
select
    reached.source, reached._id, was.name, was.contact_type, was.parent_uuid, reached.up, was.household, was.is_muted,
    was.is_orphan, was.in_cycle
from pg_temp.fold_reached as reached
left join pg_temp.fold_area_was as was on was.source = reached.source and was.area_uuid = reached._id
where not reached.is_looked_at and not reached.is_gone
