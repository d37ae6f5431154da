-- Every check with what is to be done: `whole` where it never ran, has another file, found something, or has not
-- looked at everything today; `change` where what it reads has changed; null is nothing. One of every hour is due in
-- another hour of the clock, where what it reads has changed or it reads nothing that has a version. `whole` instead
-- of `change` where `document` and `area` lack something: it has missed a change, models are made from other files, a
-- source is new. And how much it found last. The one statement of a run with nothing new.
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
            or state.is_behind
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
