-- Whether a source of the instance has a page that the models have not taken in, or was caught up for the first time.
select exists (
    select
    from ops.source
    join ops.checkpoint on checkpoint.source = source.source
    left join ops.model_source as noted on noted.source = source.source
    where source.instance = %s
        and (
            checkpoint.batch > coalesce(noted.batch, 0)
            or (noted.caught_up_at is null and checkpoint.caught_up_at is not null and checkpoint.seeded_at is null)
        )
)
