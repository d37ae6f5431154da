create table model_data.counted_person (
    source text collate "C" not null,
    uuid text collate "C" not null,
    place text collate "C" not null,
    is_direct boolean not null,
    is_patient boolean not null,
    is_deceased boolean not null,
    is_muted boolean not null,
    is_staff boolean not null,
    in_household boolean not null,
    sex text collate "C" not null,
    band text collate "C",
    turns_on date,
    primary key (source, uuid)
);
create index on model_data.counted_person (source, turns_on) where turns_on is not null;
comment on table model_data.counted_person is 'One row a person as place_count counts it: a change is the difference from this';
comment on column model_data.counted_person.place is 'The place in whose totals the person is; empty is none';
comment on column model_data.counted_person.is_direct is 'Whether it is the parent that the person''s document names';
comment on column model_data.counted_person.band is 'Of ages; null for the deceased, who are in none';
comment on column model_data.counted_person.turns_on is 'The day on which the next band begins,
    by which the first run of that day finds the person';
