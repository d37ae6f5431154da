-- Notes the sources that are late now; returns those that were not reported within the last day.
with recovered as (
    delete from ops.stale_source where source <> all(%(late)s::text[])
)
insert into ops.stale_source as known (source)
select late.source
from unnest(%(late)s::text[]) as late (source)
on conflict (source) do update set notified_at = excluded.notified_at
where known.notified_at <= now() - interval '1 day'
returning known.source
