-- What is due of each check: `whole`, `change`, or null for nothing; and how much the check found last.
-- `whole`: it has never run, its file has changed, it found something, or it has not looked at everything today.
-- `change`: what it reads has changed. A check of every hour is due once in each hour of the clock, if what it reads has
-- changed, or if it reads nothing that has a version. It is `whole` instead of `change` if `document` and `area` lack
-- something: the check has missed a change, the models are made from other files, or a source is new.
-- A run with nothing new executes only this statement.
select
    file.name,
    case
        when not exists (select from ops.relation) then null
        when state.hash is distinct from file.hash or state.whole_on <> %(today)s then 'whole'
        when not (
            (file.every = 'run' or state.found > 0 or hourly.is_due) and state.versions is distinct from (
                select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
                from ops.relation
                where relation.name = any(string_to_array(file.reads, ','))
            )
            or hourly.is_due and file.reads = ''
        ) then null
        when state.found > 0
            or state.is_late
            or state.definition <> (select definition.digest from ops.definition)
            or exists (
                select
                from ops.model_source as noted
                left join ops.check_source as checked on checked.source = noted.source and checked.batch <= noted.batch
                where checked.source is null
            ) then 'whole'
        else 'change'
    end as how,
    coalesce(state.found, 0) as found
from unnest(%(names)s::text[], %(hashes)s::text[], %(reads)s::text[], %(every)s::text[])
    as file (name, hash, reads, every)
left join ops.check_state as state on state.name = file.name
cross join lateral (
    select file.every = 'hour' and date_trunc('hour', state.checked_at) < date_trunc('hour', now()) as is_due
) as hourly
