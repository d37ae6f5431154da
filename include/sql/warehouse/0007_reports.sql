-- The marts, what the checks have found, and the days of the past.

-- Marts.

create table ops.mart_state (
    mart text collate "C" primary key,
    hash text not null,
    reads text[] not null,
    versions jsonb not null,
    refreshed_at timestamptz not null default now(),
    every text not null default 'run' check (every in ('run', 'hour'))
);
comment on table ops.mart_state is 'What each mart was last made from';
comment on column ops.mart_state.versions is 'ops.relation.version of each relation that it reads, as its refresh saw them';
comment on column ops.mart_state.every is 'How often it is refreshed where what it reads has changed: with every run, or once an hour';

create table ops.mart_source (
    mart text collate "C" not null references ops.mart_state on delete cascade,
    source text collate "C" not null,
    as_of timestamptz,
    primary key (mart, source)
);
comment on table ops.mart_source is 'As of when the part of a mart that is of a source was, at the last refresh';

-- If nothing has been copied since the last refresh, the numbers are as of now without another refresh; unless a model that
-- the mart reads has not taken in what the others have.
create view marts.freshness as
with mart as (
    select
        state.mart,
        carried.source,
        carried.as_of,
        state.refreshed_at,
        state.versions = (
            select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
            from ops.relation
            where relation.name = any(state.reads)
        ) and not exists (
            select
            from ops.late_model as late
            where late.source = carried.source and late.model = any(state.reads)
        ) as is_current
    from ops.mart_state as state
    join ops.mart_source as carried on carried.mart = state.mart
)
select
    mart.mart,
    mart.source,
    case
        when not mart.is_current then mart.as_of
        when noted.batch = checkpoint.batch then checkpoint.caught_up_at
        else noted.caught_up_at
    end as as_of,
    case when mart.is_current then noted.caught_up_at else mart.as_of end is not null as complete,
    mart.is_current,
    mart.refreshed_at
from mart
left join ops.model_source as noted on noted.source = mart.source
left join ops.checkpoint as checkpoint on checkpoint.source = mart.source;
comment on view marts.freshness is 'As of when each mart is, by source: the moment at which CouchDB was last found to have nothing more';
comment on column marts.freshness.complete is 'false until the source was first copied to its end';
comment on column marts.freshness.is_current is 'false if the models have changed since the refresh, or a model that it reads has not caught up';

create table ops.stale_source (
    source text collate "C" primary key references ops.source on delete cascade,
    since timestamptz not null default now(),
    notified_at timestamptz not null default now()
);
comment on table ops.stale_source is 'Sources whose figures are older than fresh_within of their instance; cht_freshness reports them once a day';

-- Checks of the models and the counts.

create table ops.check_state (
    name text collate "C" primary key,
    hash text not null,
    versions jsonb not null,
    level text not null check (level in ('fail', 'warn')),
    found bigint not null,
    whole_on date not null,
    checked_at timestamptz not null default now(),
    definition text not null default '',
    is_late boolean not null default false
);
comment on table ops.check_state is 'One row a check: when it was last made, and how many rows it found wrong then';
comment on column ops.check_state.level is 'fail: cht_marts is red while it finds something; warn: its log says so';
comment on column ops.check_state.versions is 'ops.relation.version of each relation that it reads, as it saw them';
comment on column ops.check_state.whole_on is 'The day on which it last looked at everything, not only at what had changed';
comment on column ops.check_state.definition is 'ops.definition as the check saw it: a rebuild changes rows whose documents have not changed';
comment on column ops.check_state.is_late is 'It has missed changes that other checks have seen, and looks at everything the next time';

create table ops.check_result (
    source text collate "C" not null,
    name text collate "C" not null,
    found bigint not null,
    problems text[] not null,
    areas text[] not null,
    since timestamptz not null default now(),
    notified_at timestamptz,
    primary key (source, name)
);
comment on table ops.check_result is 'One row a source and check that finds something wrong there; gone once it finds nothing';
comment on column ops.check_result.problems is 'What is wrong, in the words of the check';
comment on column ops.check_result.areas is 'Some of the areas where it is; empty where the check is of no area';
comment on column ops.check_result.since is 'When it was first found';
comment on column ops.check_result.notified_at is 'When it was last reported: once a day while it lasts';

create table ops.check_source (
    source text collate "C" primary key,
    batch bigint not null
);
comment on table ops.check_source is 'The batch up to which the checks have looked at each source''s documents';

create table ops.area_to_check (
    source text collate "C" not null,
    area_uuid text collate "C" not null
);
comment on table ops.area_to_check is 'The areas whose counts were written since the last checks; one may be there twice';

create view marts.checked as
select
    state.name,
    state.level,
    result.source,
    coalesce(result.found, 0) as found,
    result.problems,
    result.since,
    state.checked_at
from ops.check_state as state
left join ops.check_result as result on result.name = state.name;
comment on view marts.checked is 'One row a check, or a check and source where it finds something wrong';
comment on column marts.checked.level is 'fail: numbers are wrong; warn: worth looking at';
comment on column marts.checked.source is 'Where it is wrong; null if nothing is';

-- Past days.

create table history.area_day (
    source text collate "C" not null,
    area_uuid text collate "C" not null,
    day date not null,
    persons bigint not null,
    patients bigint not null,
    deceased bigint not null,
    registered bigint not null,
    died bigint not null,
    reports bigint not null,
    removed bigint not null default 0,
    primary key (source, area_uuid, day)
);
create index on history.area_day (day);
comment on table history.area_day is 'One row an area above the household and day; the row with an empty area_uuid counts persons in no place';
comment on column history.area_day.persons is 'Registered by the end of the day and not yet removed, the deceased too, counted where they are now';
comment on column history.area_day.patients is 'Those of them who have a patient_id now';
comment on column history.area_day.deceased is 'Those of them who had died by the end of the day';
comment on column history.area_day.registered is 'Persons whose reported_date is on the day, those removed since too';
comment on column history.area_day.died is 'Persons whose date_of_death is on the day';
comment on column history.area_day.reports is 'Reports whose reported_date is on the day, by the subject''s place, else the submitter''s';
comment on column history.area_day.removed is 'Persons whose removal was noted on the day: they count on earlier days';

create table history.removed_person (
    source text collate "C" not null,
    uuid text collate "C" not null,
    lineage text[] collate "C" not null,
    registered timestamptz,
    died_on date,
    died_at timestamptz,
    is_patient boolean not null,
    is_deceased boolean not null,
    removed_at timestamptz not null,
    primary key (source, uuid)
);
comment on table history.removed_person is 'One row a person who was counted and is no longer there: deleted, purged, archived, or no longer a person';
comment on column history.removed_person.lineage is 'The place in which the person was counted and those above it then, the nearest first: the person counts in the first that still exists';
comment on column history.removed_person.registered is 'registered, died_on, died_at, is_patient, is_deceased: as models.person had them';
comment on column history.removed_person.removed_at is 'When the copy no longer had the person';

create table ops.touched (
    run bigint generated always as identity primary key,
    since timestamptz not null
);
comment on table ops.touched is 'Runs of the models that changed what days are counted from; a later run that reaches back as far replaces them';
comment on column ops.touched.since is 'The earliest moment of what the run has changed, to the hour: the days from then on have to be counted again';

create table ops.counted_day (
    day date primary key,
    ends timestamptz not null,
    run bigint not null
);
comment on table ops.counted_day is 'One row a day that history.area_day has, with the latest run of ops.touched that its counting has seen';
comment on column ops.counted_day.ends is 'The moment at which it ends in the deployment''s time zone';
