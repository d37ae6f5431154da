-- Every check with what is to be done: `whole` where it never ran, has another file, found something, or has not looked at
-- everything today; `change` where what it reads has changed; null is nothing. And how much it found last. The one
-- statement of a run with nothing new.
select
    file.name,
    case
        when not exists (select from ops.relation) then null
        when state.hash is distinct from file.hash or state.whole_on <> %(today)s then 'whole'
        when not (
            (file.every <> 'day' or state.found > 0) and state.versions is distinct from (
                select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
                from ops.relation
                where relation.name = any(string_to_array(file.reads, ','))
            )
            or file.every = 'hour' and state.checked_at < now() - interval '1 hour'
        ) then null
        when state.found > 0 then 'whole'
        else 'change'
    end as how,
    coalesce(state.found, 0) as found
from unnest(%(names)s::text[], %(hashes)s::text[], %(reads)s::text[], %(every)s::text[])
    as file (name, hash, reads, every)
left join ops.check_state as state on state.name = file.name
