-- Writes what fold_orphan has found into model_data.orphan.
merge into model_data.orphan as kept
using pg_temp.fold_orphan as new
on kept.source = new.source and kept.uuid = new.uuid
when matched and new.is_gone then delete
when matched then update set
    is_person = new.is_person,
    parent_uuid = new.parent_uuid,
    effective_parent = new.effective_parent
when not matched and not new.is_gone then insert (source, uuid, is_person, parent_uuid, effective_parent)
values (new.source, new.uuid, new.is_person, new.parent_uuid, new.effective_parent)
