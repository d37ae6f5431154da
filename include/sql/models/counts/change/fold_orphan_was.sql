-- One row per contact of fold_look that was an orphan: its kept row.
-- key: source, uuid
-- after: fold_look
select look.source, look._id as uuid, kept.is_person, kept.parent_uuid, kept.effective_parent
from pg_temp.fold_look as look
cross join lateral (
    select kept.is_person, kept.parent_uuid, kept.effective_parent
    from model_data.orphan as kept
    where kept.source = look.source and kept.uuid = look._id
    offset 0
) as kept
