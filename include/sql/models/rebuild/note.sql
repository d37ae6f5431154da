-- Notes the batch of each source in a table that has just replaced the former one; returns its number of rows.
with noted as (
    insert into ops.model_state as kept (model, source, batch)
    select made.model, made.source, made.base
    from ops.rebuild_source as made
    where made.model = %(model)s
    on conflict (model, source) do update set batch = excluded.batch
),

forgotten as (
    delete from ops.model_state as kept
    where kept.model = %(model)s
        and not exists (
            select from ops.rebuild_source as made where made.model = kept.model and made.source = kept.source
        )
)

select coalesce(sum(made.rows_written), 0)::bigint
from ops.rebuild_source as made
where made.model = %(model)s
