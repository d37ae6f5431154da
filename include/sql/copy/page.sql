-- The rows of one page, before they go into staging. Each session has its own table, empty after each transaction. Texts
-- are not compressed: each is read once, a moment later, and to compress it would cost more than all other steps here.
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
