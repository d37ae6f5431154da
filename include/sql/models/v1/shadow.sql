-- Where two published sources have a document with the same _id, the later source in rank is hidden by the other. This notes
-- which source is hidden, for each fresh document.
insert into ops.shadowed (source, _id, by_source)
select
    case when pair.is_first then other.source else fresh.source end,
    fresh._id,
    case when pair.is_first then fresh.source else other.source end
from pg_temp.fresh
join staging.document as other on other._id = fresh._id and other.source <> fresh.source
join ops.checkpoint on checkpoint.source = other.source and checkpoint.mode <> 'copying'
cross join lateral (select cht.rank(fresh.source) < cht.rank(other.source) as is_first) as pair
on conflict do nothing
