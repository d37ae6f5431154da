create table model_data.orphan (
    source text collate "C" not null,
    uuid text collate "C" not null,
    is_person boolean not null,
    parent_uuid text collate "C" not null,
    effective_parent text collate "C",
    primary key (source, uuid)
);
comment on table model_data.orphan is 'One row a contact whose parent is not there, or is not a place; effective_parent is where it is counted instead';
