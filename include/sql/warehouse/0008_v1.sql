-- The documents and the progress in the form of couch2pg: a deployment's dashboards, its dbt project and its monitoring read
-- v1.couchdb and v1.couchdb_progress. Both are views, with the same columns and the same meaning.

create table ops.published (
    source text collate "C" not null,
    batch bigint not null,
    published_at timestamp not null,
    primary key (source, batch)
);
create index on ops.published (published_at);
comment on table ops.published is 'Every batch that the models have taken in, and when: one moment for all of a run';
comment on column ops.published.published_at is 'In UTC, to the millisecond; later than all before it, of any source';

create table ops.publication (
    published_at timestamp not null,
    is_last boolean primary key default true check (is_last)
);
comment on table ops.publication is 'The last of these moments, one row: the next is later, whatever the clock says';

create table ops.published_source (
    source text collate "C" primary key,
    batch bigint not null
);
comment on table ops.published_source is 'The last batch of each source that is published: later ones are not shown yet';

create table ops.shadowed (
    source text collate "C" not null,
    _id text collate "C" not null,
    by_source text collate "C" not null references ops.checkpoint (source) on delete cascade,
    primary key (source, _id, by_source)
);
create index on ops.shadowed (by_source);
comment on table ops.shadowed is 'Documents that v1 does not show, because a source of a higher rank has the same _id';

-- Where an _id is in several sources, the least of these is shown: main databases go before their companions.
create function cht.rank(source text) returns text
language sql immutable parallel safe
return case when cht.is_main(source) then '0 ' else '1 ' end || source collate "C";

-- Reports that were archived stay, as couch2pg leaves them there: the rule of cht.is_modelled, with null for no type.
create view v1.couchdb as
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
-- Every document that is shown has a row there. It is an outer join because Postgres leaves that out when no column of it is
-- selected. The last three conditions are true of every row, but the planner expects them of one row in 1,800: so it looks up
-- documents by the index when only some moments are selected. Of saved_timestamp >= (select max(…)) it expects a third of all
-- rows, for which it would read all documents
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
comment on view v1.couchdb is 'One row an _id: its latest revision that the models have taken in';
comment on column v1.couchdb.saved_timestamp is 'When the models took it in, in UTC: later than that of every row before it';
comment on column v1.couchdb._deleted is 'Deleted in CouchDB, or no longer there, except reports that were archived: then doc is a stub';
comment on column v1.couchdb.source is 'The host, or the name of the instance, and the database';

create view v1.couchdb_progress as
select
    checkpoint.seq::varchar as seq,
    least(checkpoint.pending, 2147483647)::integer as pending,
    checkpoint.updated_at,
    coalesce(known.name, known.source)::varchar as source
from ops.checkpoint
join ops.source as known on known.source = checkpoint.source;
comment on view v1.couchdb_progress is 'One row a source: how far the copy is in its feed';
comment on column v1.couchdb_progress.pending is 'Changes after that when CouchDB was last asked; null where it reports none';
comment on column v1.couchdb_progress.updated_at is 'When CouchDB was last asked: in each run, not all the time';
