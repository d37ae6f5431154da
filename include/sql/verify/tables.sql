-- Tables of this session: the differences, and the documents that the feed has named since.
drop table if exists pg_temp.difference, pg_temp.named;
-- `kind` is null until it is known; ids are bytes, as in ops.rejected_document
create temporary table difference (
    id bytea primary key,
    listed_rev text collate "C",
    staged_rev text collate "C",
    kind text
);
create temporary table named (id bytea not null);
