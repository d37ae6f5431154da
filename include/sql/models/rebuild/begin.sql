-- Begins the rebuild of a model in a source, unless it has begun. Documents are read up to `base`: the lowest batch that the
-- models it reads have taken in, without those that are rebuilt themselves. Later changes are applied after the rebuild.
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
