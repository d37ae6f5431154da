-- Whether the models have anything to do. A file is new or changed; a source has a page that was not taken in, or was caught
-- up for the first time; a file of the deployment has failed; or the counted ages are of another day. A run with nothing new
-- executes only this statement.
select
    exists (
        select
        from unnest(%(names)s::text[], %(hashes)s::text[]) as file (name, hash)
        left join ops.relation on relation.name = file.name
        where relation.hash is distinct from file.hash
    )
    or exists (
        select
        from unnest(%(described)s::text[], %(headers)s::text[]) as file (name, header)
        left join ops.relation on relation.name = file.name
        where relation.header is distinct from file.header
    )
    or exists (
        select
        from ops.checkpoint
        left join ops.model_source as noted on noted.source = checkpoint.source
        where checkpoint.mode <> 'copying'
            and (
                noted.batch is distinct from checkpoint.batch
                or (noted.caught_up_at is null and checkpoint.caught_up_at is not null and checkpoint.seeded_at is null)
            )
    )
    or exists (
        select
        from ops.checkpoint
        cross join unnest(%(models)s::text[]) as file (model)
        left join ops.model_state as state on state.source = checkpoint.source and state.model = file.model
        where state.batch is distinct from checkpoint.batch and checkpoint.mode <> 'copying'
    )
    or exists (
        select
        from ops.model_source as noted
        left join ops.published_source as shown on shown.source = noted.source
        where noted.batch > coalesce(shown.batch, 0)
    )
    or exists (select from ops.to_recount)
    or exists (select from ops.failing where failing.folder in ('models', 'views'))
    or exists (
        select
        from ops.band_day as day
        join ops.checkpoint on checkpoint.source = day.source
        where checkpoint.mode <> 'copying'
            and (day.as_of < %(today)s::date or day.as_of > %(today)s::date + 1)
    )
