-- Tables that are made anew in chunks beside those that are read, and a deployment's own files, each of which fails alone.

create table ops.rebuild (
    model text collate "C" primary key,
    stamp text not null,
    is_made boolean not null default false,
    started_at timestamptz not null default now()
);
comment on table ops.rebuild is 'The models that are just made anew, in model_data.<model>__new; none when a run of the models has ended';
comment on column ops.rebuild.stamp is 'Of the file, and of those above it that are made anew, too: another one begins again';
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
comment on table ops.rebuild_source is 'How far each of them is in each source''s partition of staging.document';
comment on column ops.rebuild_source.base is 'The batch up to which documents are taken; what came later is taken in when the table takes its place';
comment on column ops.rebuild_source.storage is 'Of the partition''s file: where it was written anew, its pages are others';
comment on column ops.rebuild_source.blocks is 'Pages of the partition; upto: those before it are done';

create table ops.failing (
    folder text collate "C" not null,
    name text collate "C" not null,
    file text not null,
    what text not null,
    advice text not null,
    stamp text not null,
    since timestamptz not null default now(),
    tried_at timestamptz not null default now(),
    told_at timestamptz,
    primary key (folder, name)
);
comment on table ops.failing is 'The deployment''s own files that fail, until they work: each alone, everything else goes on';
comment on column ops.failing.stamp is 'Of ops.rebuild, where it failed to be made anew: the same is tried again once an hour; else empty';

create table ops.model_todo (
    model text collate "C" not null,
    source text collate "C" not null,
    _id text collate "C" not null,
    primary key (model, source, _id)
);
comment on table ops.model_todo is 'Documents that a model which failed has to do again beside those that changed: what named them may be gone when it works';
