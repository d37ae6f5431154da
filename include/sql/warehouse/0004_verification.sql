-- What comparing the copy with CouchDB has found.

create table ops.verification (
    verification bigint generated always as identity primary key,
    source text collate "C" not null references ops.source,
    repair boolean not null,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    documents bigint,
    missing bigint,
    stale bigint,
    extra bigint,
    purged bigint,
    archived bigint,
    rejected bigint,
    not_yet bigint,
    repaired bigint,
    left_over bigint,
    message text
);
create index on ops.verification (source, started_at);
comment on table ops.verification is 'One row for each comparison of a source with CouchDB; without numbers if it was not completed';
comment on column ops.verification.repair is 'Whether differences were to be repaired, or only reported';
comment on column ops.verification.documents is 'Live documents that CouchDB listed';
comment on column ops.verification.missing is 'Live in CouchDB and not in the copy';
comment on column ops.verification.stale is 'In the copy in another revision than in CouchDB';
comment on column ops.verification.extra is 'Live in the copy, deleted in CouchDB';
comment on column ops.verification.purged is 'Live in the copy, and CouchDB has nothing of them: purged';
comment on column ops.verification.archived is 'The same, but found in the archive database';
comment on column ops.verification.rejected is 'Differ because they are in ops.rejected_document: known, not wrong';
comment on column ops.verification.not_yet is 'Differed because they changed in CouchDB since the comparison began: the feed brings them';
comment on column ops.verification.repaired is 'Of what was missing, stale, extra, purged or archived: repaired';
comment on column ops.verification.left_over is 'Of the same: still wrong at the end';

create view marts.compared as
select distinct on (verification.source)
    verification.source,
    verification.started_at as compared_at,
    verification.documents,
    verification.missing + verification.stale + verification.extra as wrong,
    verification.purged + verification.archived as gone,
    verification.left_over = 0 as is_equal
from ops.verification
where verification.left_over is not null
order by verification.source, verification.started_at desc;
comment on view marts.compared is 'When each source was last compared with CouchDB,
    and whether the copy was equal then, or was made equal';
comment on column marts.compared.wrong is 'Documents that were missing, stale, or deleted in CouchDB only';
comment on column marts.compared.gone is 'Documents that were no longer in CouchDB,
    without a deletion: purged or archived';
comment on column marts.compared.is_equal is 'false if a difference was not repaired';
