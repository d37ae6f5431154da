-- Reports that were archived stay in the models, and so in v1, as couch2pg leaves them there: cht.is_modelled, which a later
-- migration makes.

create or replace view v1.couchdb as
select
    published.published_at as saved_timestamp,
    document._id::varchar as _id,
    state.is_gone as _deleted,
    coalesce(known.name, known.source)::varchar as source,
    case
        when state.is_gone then jsonb_build_object('_id', document._id, '_rev', document._rev, '_deleted', true)
        else document.doc
    end as doc
from staging.document
cross join lateral (
    select
        document._deleted
        or (document.gone is not null and (document.gone <> 'archived' or document.type is distinct from 'data_record'))
        as is_gone
) as state
join ops.source as known on known.source = document.source
join ops.published_source as shown on shown.source = document.source and document.batch <= shown.batch
-- every document that is shown has its row there. But an outer join isn't made at all where its column isn't asked for, and
-- where only some of its rows are, the last three conditions make the planner look up their documents by the index. They
-- are true of every row, but it believes that of one in 1,800. Of saved_timestamp >= (select max(…)) it believes that
-- a third of all fulfil it, for which it would read all documents
left join ops.published
    on published.source = document.source
    and published.batch = document.batch
    and (published.batch & 0) = 0
    and isfinite(published.published_at)
    and isfinite(published.published_at::date)
where not exists (
    select from ops.shadowed
    where shadowed.source = document.source and shadowed._id = document._id
);
comment on column v1.couchdb._deleted is 'Deleted in CouchDB, or not there any more, but for reports that were archived: then doc is a stub';
