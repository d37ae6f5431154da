create table model_data.cycle (
    source text collate "C" not null,
    uuid text collate "C" not null,
    top text collate "C" not null,
    primary key (source, uuid)
);
comment on table model_data.cycle is 'One row a place that is its own ancestor; top is the one of its cycle that counts as having no parent';
