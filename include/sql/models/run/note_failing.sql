-- Notes which of the deployment's files in these folders fail, and since when; forgets those that work.
with given as (
    select given.folder, given.name, given.file, given.what, given.advice, given.stamp, given.is_tried
    from unnest(
        %(in)s::text[], %(names)s::text[], %(files)s::text[], %(whats)s::text[], %(advices)s::text[], %(stamps)s::text[], %(tried)s::boolean[]
    ) as given (folder, name, file, what, advice, stamp, is_tried)
),

working as (
    delete from ops.failing as kept
    where kept.folder = any(%(folders)s)
        and not exists (select from given where given.folder = kept.folder and given.name = kept.name)
)

insert into ops.failing as kept (folder, name, file, what, advice, stamp)
select given.folder, given.name, given.file, given.what, given.advice, given.stamp
from given
on conflict (folder, name) do update set
    file = excluded.file,
    what = excluded.what,
    advice = excluded.advice,
    stamp = excluded.stamp,
    tried_at = case
        when (select given.is_tried from given where (given.folder, given.name) = (kept.folder, kept.name)) then now()
        else kept.tried_at
    end
