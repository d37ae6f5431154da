-- Writes what fold_cycle has found into model_data.cycle.
merge into model_data.cycle as kept
using pg_temp.fold_cycle as new
on kept.source = new.source and kept.uuid = new.uuid
when matched and new.is_gone then delete
when matched then update set top = new.top
when not matched and not new.is_gone then insert (source, uuid, top)
values (new.source, new.uuid, new.top)
