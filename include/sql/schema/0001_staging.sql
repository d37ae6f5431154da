-- What is copied and how far: the sources, their checkpoints, the documents, the refused ones, the runs.
-- Ids are text collate "C" everywhere: CouchDB orders them by their UTF-8 bytes.

create schema cht;
create schema staging;

comment on schema cht is 'Functions of CHT Sync';
comment on schema staging is 'Documents as they are in CouchDB, one row for each id of a source';
comment on schema ops is 'How far the copy is, what was refused, what ran';

-- The text as jsonb, or null where jsonb cannot hold it: a number out of range, too deep, not JSON.
create function cht.try_jsonb(body text) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return body::jsonb;
exception
    when data_exception or program_limit_exceeded or statement_too_complex then
        return null;
end
$$;

-- A text used as a key, or null where it is too long for an index (a key is no document's whole text).
create function cht.key(value text) returns text
language sql immutable parallel safe
return case when octet_length(value) <= 500 then value end;

-- The partition of staging.document that holds a source: readable, and different for every source.
create function cht.partition_name(source text) returns text
language sql immutable parallel safe
return 'document_' || left(regexp_replace(source, '[^a-z0-9]+', '_', 'g'), 40) || '_' || left(md5(source), 8);

create table ops.source (
    source text collate "C" primary key,
    instance text collate "C" not null,
    database text collate "C" not null,
    created_at timestamptz not null default now(),
    unique (instance, database)
);
comment on table ops.source is 'One row for each database of an instance that is or was copied; source is instance/database';

create table ops.checkpoint (
    source text collate "C" primary key references ops.source,
    generation bigint not null default 1,
    reads bigint not null default 0,
    batch bigint not null default 0,
    seq text not null default '0',
    pending bigint,
    mode text not null default 'incremental' check (mode in ('incremental', 'resync', 'replace', 'copying')),
    identity_kind text check (identity_kind in ('instance_start_time', 'uuid')),
    identity text,
    caught_up_at timestamptz,
    updated_at timestamptz not null default now()
);
comment on table ops.checkpoint is 'One row a source: what the next page is asked from, moved only together with the rows of the page before';
comment on column ops.checkpoint.generation is 'Rises when a source is copied anew: a reader of the copy before can no longer write';
comment on column ops.checkpoint.reads is 'Pages committed, with rows or without; with generation, the fence: a seq can come back, a count cannot';
comment on column ops.checkpoint.batch is 'Pages committed that changed a row: the number that staging.document.batch is taken from';
comment on column ops.checkpoint.seq is 'A last_seq, or the seq of a row: opaque, never parsed or compared';
comment on column ops.checkpoint.pending is 'Changes behind that page as CouchDB told; null where it tells none';
comment on column ops.checkpoint.mode is 'What an unfinished run is doing; the next run goes on with it';
comment on column ops.checkpoint.identity is 'Of the database: its creation time, or the uuid of its server where it tells none';
comment on column ops.checkpoint.caught_up_at is 'When the last page with nothing behind it was asked for: the copy is as of then';

create table staging.document (
    source text collate "C" not null,
    _id text collate "C" not null,
    _rev text collate "C" not null,
    _deleted boolean not null,
    type text collate "C",
    saved_timestamp timestamptz not null,
    batch bigint not null,
    form smallint not null,
    altered boolean not null default false,
    gone text check (gone in ('purged', 'archived', 'replaced')),
    doc jsonb,
    primary key (source, _id)
) partition by list (source);
create index on staging.document (source, batch);
create index on staging.document (source, type);
create index on staging.document (_id);
comment on table staging.document is 'The latest revision of each document, one row for each id of a source';
comment on column staging.document.saved_timestamp is 'When the page was written; for people: batch is what orders';
comment on column staging.document.batch is 'The page that last changed the row: what changed since batch b is batch > b';
comment on column staging.document.form is 'Version of the redaction rules that the row was written by';
comment on column staging.document.altered is 'A NUL in a text became U+FFFD, since Postgres can hold none';
comment on column staging.document.gone is 'Not in CouchDB any more without a deletion in its feed';
comment on column staging.document.doc is 'The document; null where it is deleted';

create table ops.rejected_document (
    source text collate "C" not null references ops.source,
    id bytea not null,
    _rev text collate "C" not null,
    reason text not null,
    batch bigint not null,
    rejected_at timestamptz not null,
    form smallint not null,
    body bytea,
    primary key (source, id)
);
comment on table ops.rejected_document is 'Documents that could not be staged, whole; an earlier good revision stays in staging';
comment on column ops.rejected_document.id is 'The _id in UTF-8; where it is not valid UTF-8, its JSON text';
comment on column ops.rejected_document.body is 'The document as received, after redaction; null where it could not be redacted';

create table ops.extract_run (
    run bigint generated always as identity primary key,
    source text collate "C" not null references ops.source,
    mode text not null,
    started_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    ended_at timestamptz,
    pages bigint not null default 0,
    rows_read bigint not null default 0,
    changed bigint not null default 0,
    rejected bigint not null default 0,
    left_out bigint not null default 0,
    bytes bigint not null default 0,
    pending bigint,
    caught_up boolean not null default false,
    message text
);
create index on ops.extract_run (source, started_at);
comment on table ops.extract_run is 'One row for each run of an extraction that read a row or failed; updated with each page';
comment on column ops.extract_run.left_out is 'Rows that are left out on purpose: design documents and login tokens';
comment on column ops.extract_run.message is 'Why it ended, where it did not end well';
