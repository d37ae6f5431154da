-- Notes that these models have taken in every source up to its batch.
insert into ops.model_state as kept (model, source, batch)
select file.model, checkpoint.source, checkpoint.batch
from unnest(%(models)s::text[]) as file (model)
cross join ops.checkpoint
where checkpoint.mode <> 'copying'
on conflict (model, source) do update set batch = excluded.batch where kept.batch <> excluded.batch
