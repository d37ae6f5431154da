-- How far each model is, the tables that are being rebuilt, and the deployment's files that fail.

-- Which documents are modelled.

-- Whether a source is an instance's main database. Its companions hold no contacts of the present: medic-archive has
-- contacts that were archived, medic-audit and medic-sentinel have notes about contacts under the same ids.
create function cht.is_main(source text) returns boolean
language sql immutable parallel safe
return split_part(source, '/', 2) !~ '^_|-(archive|sentinel|users-meta|audit|logs|vault)$|-user-.*-meta$|-purged-role-';

-- Whether the models have a document: every live one, and of those that are gone the reports that were archived, which stay in
-- months and history.
create function cht.is_modelled(is_deleted boolean, gone text, type text) returns boolean
language sql immutable parallel safe
return not is_deleted and (gone is null or (gone = 'archived' and type = 'data_record'));

-- How far the models are.

create table ops.deployment (
    is_only boolean primary key default true check (is_only),
    timezone text not null
);
comment on table ops.deployment is 'What include/instances.toml says of the whole deployment, as the models have it';
comment on column ops.deployment.timezone is 'In which a day begins and ends: when it changes,
    what counts by month is rebuilt';
insert into ops.deployment (timezone) values ('UTC');

create table ops.relation (
    name text collate "C" primary key,
    hash text not null,
    version bigint not null default 1,
    header text
);
comment on table ops.relation is 'The models and views as they stand, and the count of runs that changed a row';
comment on column ops.relation.hash is 'Of the file that it was made from: when the file changes, it is rebuilt';
comment on column ops.relation.version is 'Rises with each run that changed a row: then what reads it is refreshed';
comment on column ops.relation.header is 'Of the comments at the head of the file,
    from which those in Postgres are made';

-- `rejected` is left out: its hash is that of its rows.
create view ops.definition as
select md5(coalesce(string_agg(relation.name || ' ' || relation.hash, ' ' order by relation.name), '')) as digest
from ops.relation
where relation.name <> 'rejected';
comment on view ops.definition is 'A digest of the files that the models, the views and the counts are made from';

create table ops.model_state (
    model text collate "C" not null,
    source text collate "C" not null,
    batch bigint not null,
    primary key (model, source)
);
comment on table ops.model_state is 'The batch up to which each model has taken in each source. Each model has its own,
    so that one that failed catches up';

create table ops.model_source (
    source text collate "C" primary key,
    batch bigint not null,
    caught_up_at timestamptz,
    noted_at timestamptz not null default now()
);
comment on table ops.model_source is 'The batch up to which all models have taken in a source; above it there is something to do';
comment on column ops.model_source.caught_up_at is 'ops.checkpoint.caught_up_at as the models'' transaction saw it: their rows are as of then';

create table ops.model_todo (
    model text collate "C" not null,
    source text collate "C" not null,
    _id text collate "C" not null,
    primary key (model, source, _id)
);
comment on table ops.model_todo is 'Documents that a failed model has to do again,
    in addition to those that changed: what named them may be gone when it works again';

create view ops.late_model as
select known.model, noted.source
from (select distinct state.model from ops.model_state as state) as known
cross join ops.model_source as noted
left join ops.model_state as state on state.model = known.model and state.source = noted.source
where state.batch is distinct from noted.batch;
comment on view ops.late_model is 'The models that have not taken in what the others have of a source: they fail,
    or what they read does';

-- Tables that are rebuilt in chunks, and put in the place of the old ones.

create table ops.rebuild (
    model text collate "C" primary key,
    stamp text not null,
    is_made boolean not null default false,
    started_at timestamptz not null default now()
);
comment on table ops.rebuild is 'The models that are being rebuilt,
    in model_data.<model>__new; none when a run of the models has ended';
comment on column ops.rebuild.stamp is 'Of the file, and of those above it that are rebuilt too: when it changes,
    the rebuild begins again';
comment on column ops.rebuild.is_made is 'All rows are there, and the indexes';

create table ops.rebuild_source (
    model text collate "C" not null references ops.rebuild on delete cascade,
    source text collate "C" not null,
    base bigint not null,
    storage oid,
    blocks bigint not null,
    upto bigint not null default 0,
    rows_written bigint not null default 0,
    primary key (model, source)
);
comment on table ops.rebuild_source is 'How far each rebuild is in each source''s partition of staging.document';
comment on column ops.rebuild_source.base is 'The batch up to which documents are taken; later ones are taken in when the new table replaces the old one';
comment on column ops.rebuild_source.storage is 'Of the partition''s file: it changes when the partition is rewritten,
    and then its pages are others';
comment on column ops.rebuild_source.blocks is 'Pages of the partition; upto: those before it are done';

-- The deployment's own files.

create table ops.failing (
    folder text collate "C" not null,
    name text collate "C" not null,
    file text not null,
    what text not null,
    advice text not null,
    stamp text not null,
    since timestamptz not null default now(),
    tried_at timestamptz not null default now(),
    notified_at timestamptz,
    primary key (folder, name)
);
comment on table ops.failing is 'The deployment''s own files that fail, until they work: each fails alone,
    the others are run';
comment on column ops.failing.stamp is 'That of ops.rebuild,
    if its rebuild failed: the same is tried again once an hour; else empty';
