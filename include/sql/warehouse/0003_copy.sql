-- What is copied and how far: the sources, their checkpoints, the documents, the rejected ones, the runs.
-- Ids are text collate "C" everywhere: CouchDB orders them by their UTF-8 bytes.

-- Sources and their checkpoints.

create table ops.source (
    source text collate "C" primary key,
    instance text collate "C" not null,
    database text collate "C" not null,
    created_at timestamptz not null default now(),
    name text,
    unique (instance, database)
);
comment on table ops.source is 'One row for each database of an instance that is or was copied; source is instance/database';
comment on column ops.source.name is 'The name in v1: the source_name of its instance, else the instance,
    and the database';

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
    updated_at timestamptz not null default now(),
    base bigint,
    replay bytea,
    seeded_at timestamptz,
    -- a resync or a replace compares with the visible copy: nothing else may write to that copy until it ends
    constraint checkpoint_base_check
        check (mode not in ('resync', 'replace') or (base is not null and (mode = 'resync' or batch = base)))
);
comment on table ops.checkpoint is 'One row a source: where the next page starts; it moves only in the transaction that writes the rows of a page';
comment on column ops.checkpoint.generation is 'Rises when a source is copied again from the start: a reader of the earlier copy can no longer write';
comment on column ops.checkpoint.reads is 'Pages committed, with rows or without; with generation,
    the fence: a seq can come back, a count cannot';
comment on column ops.checkpoint.batch is 'Pages committed that changed a row: the number that staging.document.batch is taken from';
comment on column ops.checkpoint.seq is 'A last_seq, or the seq of a row: opaque, never parsed or compared';
comment on column ops.checkpoint.pending is 'Changes after that page, as CouchDB reported; null where it reports none';
comment on column ops.checkpoint.mode is 'What an unfinished run is doing; the next run continues it';
comment on column ops.checkpoint.identity is 'Of the database: its creation time,
    or the uuid of its server where CouchDB reports none';
comment on column ops.checkpoint.caught_up_at is 'When the last page with no changes after it was requested: the copy is as of then';
comment on column ops.checkpoint.base is 'The batch at which a resync or a replace began: rows with a later one were written since';
comment on column ops.checkpoint.replay is 'The last rejected id that an unfinished replay has tried; null where no replay is requested';
comment on column ops.checkpoint.seeded_at is
    'When the copy was begun from couch2pg''s table; null once it was compared with CouchDB or read again. Until then its numbers are not complete';

-- Documents. Each source has a partition of its own, whose name the function gives: readable, and different for every source.

create function cht.partition_name(source text) returns text
language sql immutable parallel safe
return 'document_' || left(regexp_replace(source, '[^a-z0-9]+', '_', 'g'), 40) || '_' || left(md5(source), 8);

-- Autovacuum waits by default until a fifth of a table has changed: of 30 million rows, 6 million. See docs/operating.md.
create function cht.partition_settings() returns text
language sql immutable
return 'autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, '
    || 'autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 20000, '
    || 'autovacuum_analyze_scale_factor = 0.01, autovacuum_analyze_threshold = 5000, '
    || 'toast.autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_vacuum_threshold = 5000, '
    || 'toast.autovacuum_vacuum_insert_scale_factor = 0.02, toast.autovacuum_vacuum_insert_threshold = 20000';

create table staging.document (
    source text collate "C" not null,
    _id text collate "C" not null,
    _rev text collate "C" not null,
    _deleted boolean not null,
    type text collate "C",
    saved_timestamp timestamptz not null,
    batch bigint not null,
    redaction_version smallint not null,
    altered boolean not null default false,
    gone text check (gone in ('purged', 'archived', 'replaced', 'erased')),
    doc jsonb,
    primary key (source, _id)
) partition by list (source);
create index on staging.document (source, batch);
create index on staging.document (source, type);
create index on staging.document (_id);
comment on table staging.document is 'The latest revision of each document, one row for each id of a source';
comment on column staging.document.saved_timestamp is 'When the page was written; for people: the order is that of batch';
comment on column staging.document.batch is 'The page that last changed the row: what changed since batch b is batch > b';
comment on column staging.document.redaction_version is 'Version of the redaction rules that the row was written by';
comment on column staging.document.altered is 'A NUL in a text became U+FFFD, since Postgres can hold none';
comment on column staging.document.gone is
    'No longer in CouchDB, without a deletion in its feed; erased: removed on request, nothing of the document is kept';
comment on column staging.document.doc is 'The document; null where it is deleted';

-- A source that is copied again: which documents were met, and the new copy until it is shown.

-- Logged, like everything that has to survive a crash of the server: without a lost id, its document would be taken for gone.
-- No index: it is written page by page, and read once.
create table staging.seen (
    source text collate "C" not null,
    id bytea not null
);
comment on table staging.seen is 'What an unfinished resync or replace has met and found unchanged or rejected; an id may be there twice';
comment on column staging.seen.id is 'As in ops.rejected_document';

create table staging.next (like staging.document including defaults including constraints, primary key (source, _id));
comment on table staging.next is 'What an unfinished replace has met that differs from staging.document; its end puts all of it there at once';

-- A parallel first copy.

create table ops.snapshot_range (
    source text collate "C" not null references ops.source,
    number integer not null,
    copied_to text collate "C" not null,
    until text collate "C",
    expected bigint not null,
    documents bigint not null default 0,
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (source, number)
);
comment on table ops.snapshot_range is 'A parallel first copy: one row a range of ids; gone when the source is handed over to its feed';
comment on column ops.snapshot_range.copied_to is 'The last id that is copied; the rest of the range begins after it';
comment on column ops.snapshot_range.until is 'The last id of the range; null is the end';
comment on column ops.snapshot_range.expected is 'About how many documents are in it';
comment on column ops.snapshot_range.documents is 'How many of them were read';

-- Rejected documents.

create table ops.rejected_document (
    source text collate "C" not null references ops.source,
    id bytea not null,
    _rev text collate "C" not null,
    reason text not null,
    batch bigint not null,
    rejected_at timestamptz not null,
    redaction_version smallint not null,
    body bytea,
    primary key (source, id)
);
comment on table ops.rejected_document is 'Documents that could not be staged,
    whole; an earlier good revision stays in staging';
comment on column ops.rejected_document.id is 'The _id in UTF-8; where it is not valid UTF-8, its JSON text';
comment on column ops.rejected_document.body is 'The document as received,
    after redaction; null where it could not be redacted';

create table staging.next_rejected (like ops.rejected_document, primary key (source, id));
comment on table staging.next_rejected is 'What an unfinished replace has rejected';

create view ops.rejected as
select
    rejected.source,
    cht.try_text(rejected.id) as _id,
    rejected.reason,
    rejected._rev,
    rejected.batch,
    octet_length(rejected.body) as bytes,
    rejected.rejected_at as since,
    document._rev as counted_rev
from ops.rejected_document as rejected
left join staging.document as document
    on document.source = rejected.source
    and document._id = cht.try_text(rejected.id)
    and not document._deleted
    and document.gone is null;
comment on view ops.rejected is 'Documents that could not be staged, for operators: which, why,
    since when; without what is in them';
comment on column ops.rejected._id is 'Null where Postgres cannot hold it as text; ops.rejected_document has its bytes';
comment on column ops.rejected.bytes is 'Of the document as it is kept; null where it could not be read,
    or not be redacted';
comment on column ops.rejected.counted_rev is 'The earlier revision that counts until a later one can be staged; null where there is none, and nothing counts';

create view marts.rejected as
select
    rejected.source,
    count(*) as documents,
    count(*) filter (where rejected.counted_rev is not null) as counted_as_before,
    count(*) filter (where rejected.counted_rev is null) as not_counted,
    min(rejected.since) as since
from ops.rejected
group by rejected.source;
comment on view marts.rejected is 'What a source''s numbers leave out: documents whose latest revision was rejected; no row for a source without any';
comment on column marts.rejected.counted_as_before is 'Those that count as they were before,
    until the latest revision is taken in';
comment on column marts.rejected.not_counted is 'Those that do not count at all';

-- Runs.

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
comment on column ops.extract_run.message is 'Why it ended, if it failed';
