create table model_data.orphan_chain (
    source text collate "C" not null,
    uuid text collate "C" not null,
    position integer not null,
    ancestor text collate "C" not null,
    primary key (source, uuid, position)
);
create index on model_data.orphan_chain (source, ancestor);
comment on table model_data.orphan_chain is 'The embedded lineage of each orphan, the nearest first: whom a place touches that comes or goes';
