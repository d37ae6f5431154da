-- What days are counted from, as it was before the run of the models.
create temporary table person_was (
    source text collate "C" not null,
    uuid text collate "C" not null,
    saved_timestamp timestamptz not null,
    registered timestamptz,
    died_on date,
    died_at timestamptz,
    is_patient boolean not null,
    is_deceased boolean not null,
    primary key (source, uuid)
) on commit drop;

create temporary table record_was (
    source text collate "C" not null,
    uuid text collate "C" not null,
    reported timestamptz not null,
    primary key (source, uuid)
) on commit drop;
