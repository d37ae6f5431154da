-- Notes that the changes were looked at, and which checks have missed some of them: those that were not due or failed although
-- what they read has changed, and those of models that are late. Forgets each check that has no file.
with checked as (
    insert into ops.check_source as kept (source, batch)
    select noted.source, noted.batch
    from ops.model_source as noted
    on conflict (source) do update set batch = excluded.batch where kept.batch <> excluded.batch
),

missed as (
    update ops.check_state as state
    set is_late = true
    where state.name = any(%(names)s::text[])
        and not state.is_late
        and (
            state.versions is distinct from (
                select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
                from ops.relation
                where state.versions ? relation.name
            )
            or exists (select from ops.late_model as late where state.versions ? late.model)
        )
),

forgotten as (
    delete from ops.check_state as state where state.name <> all(%(names)s::text[])
),

passed as (
    delete from ops.check_result as result where result.name <> all(%(names)s::text[])
)

delete from ops.area_to_check
