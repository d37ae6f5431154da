-- Notes that what had changed was looked at.
with checked as (
    insert into ops.check_source as kept (source, batch)
    select noted.source, noted.batch
    from ops.model_source as noted
    on conflict (source) do update set batch = excluded.batch where kept.batch <> excluded.batch
)

delete from ops.area_to_check
