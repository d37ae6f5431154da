-- The rows of one page on their way into staging; each session has its own, empty after each transaction.
create temporary table if not exists page (
    line bigint not null,
    id text collate "C",
    reject_id bytea,
    rev text collate "C" not null,
    deleted boolean not null,
    altered boolean not null,
    body text,
    raw bytea,
    reason text
) on commit delete rows
