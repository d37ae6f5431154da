-- Notes what a check has found, as rows of (source, found, problems, areas).
with found as (
    select given.source, given.found, given.problems, given.areas
    from jsonb_to_recordset(%(found)s::jsonb) as given (source text, found bigint, problems text[], areas text[])
),

state as (
    insert into ops.check_state as kept (name, hash, versions, definition, level, found, whole_on)
    select
        %(name)s,
        %(hash)s,
        (
            select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
            from ops.relation
            where relation.name = any(%(reads)s::text[])
        ),
        (select definition.digest from ops.definition),
        %(level)s,
        (select coalesce(sum(found.found), 0) from found),
        %(whole_on)s
    on conflict (name) do update set
        hash = excluded.hash,
        versions = excluded.versions,
        definition = excluded.definition,
        is_late = false,
        level = excluded.level,
        found = excluded.found,
        whole_on = excluded.whole_on,
        checked_at = now()
),

passed as (
    delete from ops.check_result as kept
    where kept.name = %(name)s and kept.source not in (select found.source from found)
)

insert into ops.check_result as kept (source, name, found, problems, areas)
select found.source, %(name)s, found.found, found.problems, found.areas
from found
on conflict (source, name) do update set
    found = excluded.found,
    problems = excluded.problems,
    areas = excluded.areas
