-- Registers a source, with a checkpoint at the start of the feed.
with registered as (
    insert into ops.source (source, instance, database)
    values (%(source)s, %(instance)s, %(database)s)
    on conflict (source) do nothing
)
insert into ops.checkpoint (source)
values (%(source)s)
on conflict (source) do nothing
