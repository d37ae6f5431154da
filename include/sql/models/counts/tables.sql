-- The tables of the counts, made anew where what counts has changed. Ids are text collate "C" everywhere.

-- Of a place: what is directly in it, and with everything below it. What it hands up to the place above is the total with
-- its own muting, but none from above: so that to mute a district changes a few rows. models.area_count shows the rest.
-- Numbers change in place, where a page has room for them.
create table model_data.place_count (
    source text collate "C" not null,
    area_uuid text collate "C" not null,
    name text,
    contact_type text collate "C",
    parent_uuid text collate "C",
    effective_parent text collate "C",
    household boolean not null,
    is_muted boolean not null,
    is_orphan boolean not null,
    in_cycle boolean not null,
    direct_persons integer not null,
    direct_persons_muted integer not null,
    direct_persons_deceased integer not null,
    direct_patients integer not null,
    direct_patients_muted integer not null,
    direct_patients_deceased integer not null,
    direct_households integer not null,
    direct_staff integer not null,
    direct_in_household integer not null,
    total_persons integer not null,
    total_persons_muted integer not null,
    total_persons_deceased integer not null,
    total_patients integer not null,
    total_patients_muted integer not null,
    total_patients_deceased integer not null,
    total_households integer not null,
    total_staff integer not null,
    total_in_household integer not null,
    primary key (source, area_uuid)
) with (fillfactor = 75);
comment on table model_data.place_count is 'One row a live place with what is counted in it,
    and one a source with an empty area_uuid for persons in no place';
comment on column model_data.place_count.is_muted is 'Muted itself; what lies above is not looked at here';
comment on column model_data.place_count.direct_persons_muted is 'Those alive who are muted themselves';
comment on column model_data.place_count.total_persons_muted is 'Those of them, and those alive in a muted place below';

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

-- Few of the bands have somebody in them in a household, where most of the rows are: what is zero has no row.
create table model_data.place_band_count (
    source text collate "C" not null,
    area_uuid text collate "C" not null,
    sex text collate "C" not null,
    band text collate "C" not null,
    direct_persons integer not null,
    direct_patients integer not null,
    total_persons integer not null,
    total_patients integer not null,
    primary key (source, area_uuid, sex, band)
) with (fillfactor = 75);
comment on table model_data.place_band_count is 'One row a place (empty: none),
    sex and band of ages with somebody alive in it, muted or not';

create table model_data.orphan (
    source text collate "C" not null,
    uuid text collate "C" not null,
    is_person boolean not null,
    parent_uuid text collate "C" not null,
    effective_parent text collate "C",
    primary key (source, uuid)
);
comment on table model_data.orphan is 'One row a contact whose parent is not there,
    or is not a place; effective_parent is where it is counted instead';

create table model_data.orphan_chain (
    source text collate "C" not null,
    uuid text collate "C" not null,
    position integer not null,
    ancestor text collate "C" not null,
    primary key (source, uuid, position)
);
create index on model_data.orphan_chain (source, ancestor);
comment on table model_data.orphan_chain is 'The embedded lineage of each orphan,
    the nearest first: whom a place touches that comes or goes';

create table model_data.cycle (
    source text collate "C" not null,
    uuid text collate "C" not null,
    top text collate "C" not null,
    primary key (source, uuid)
);
comment on table model_data.cycle is 'One row a place that is its own ancestor; top is the one of its cycle that counts as having no parent';
