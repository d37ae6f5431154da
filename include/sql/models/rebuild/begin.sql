-- Begins a source for a model, unless it is begun. Documents are taken up to the batch up to which those models have it
-- that this one reads and that aren't made anew themselves: what came later is done again together with them.
insert into ops.rebuild_source (model, source, base, storage, blocks)
select
    %(model)s,
    checkpoint.source,
    base.batch,
    %(storage)s,
    case when base.batch > 0 then %(blocks)s else 0 end
from ops.checkpoint
cross join lateral (
    select least(%(batch)s, checkpoint.batch, min(coalesce(state.batch, 0))) as batch
    from unnest(%(above)s::text[]) as read (model)
    left join ops.model_state as state on state.model = read.model and state.source = checkpoint.source
) as base
where checkpoint.source = %(source)s
on conflict do nothing
