-- The rows of one page on their way into staging; each session has its own, empty after each transaction. A text stays as
-- it came: to compress one that is read once, a moment later, would cost more than all else that is done with it here.
create temporary table if not exists page (
    line bigint not null,
    id text collate "C",
    reject_id bytea,
    rev text collate "C" not null,
    deleted boolean not null,
    altered boolean not null,
    body text storage external,
    raw bytea,
    reason text
) with (toast_tuple_target = 8160) on commit delete rows
