-- Notes how far the models are in each source. Returns each source that is new, or was caught up for the first time.
with noted as (
    insert into ops.model_source as kept (source, batch, caught_up_at)
    select checkpoint.source, checkpoint.batch, case when checkpoint.seeded_at is null then checkpoint.caught_up_at end
    from ops.checkpoint
    where checkpoint.mode <> 'copying'
    on conflict (source) do update set
        batch = excluded.batch,
        caught_up_at = excluded.caught_up_at,
        noted_at = now()
    where (kept.batch, kept.caught_up_at) is distinct from (excluded.batch, excluded.caught_up_at)
    returning kept.source
)

select checkpoint.source
from ops.checkpoint
left join ops.model_source as before on before.source = checkpoint.source
where checkpoint.mode <> 'copying'
    and (
        before.source is null
        or (before.caught_up_at is null and checkpoint.caught_up_at is not null and checkpoint.seeded_at is null)
    )
