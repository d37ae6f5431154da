-- Writes what fold_chain has found into model_data.orphan_chain.
merge into model_data.orphan_chain as kept
using pg_temp.fold_chain as new
on kept.source = new.source and kept.uuid = new.uuid and kept.position = new.position
when matched and new.is_gone then delete
when matched then update set ancestor = new.ancestor
when not matched and not new.is_gone then insert (source, uuid, position, ancestor)
values (new.source, new.uuid, new.position, new.ancestor)
