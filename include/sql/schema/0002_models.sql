-- What the models, the counts, the marts and the history need: casts, notes of how far each is, and kept tables.

create schema models;
create schema model_data;
create schema marts;
create schema history;

comment on schema models is 'Documents as tables, and the counts of every area; read these';
comment on schema model_data is 'The tables behind models; they may be swapped: read models';
comment on schema marts is 'Small tables made for people and dashboards, refreshed when what they read changed';
comment on schema history is 'Counts of every past day';

-- Casts. Each gives null for what it can't read, so that one bad value never stops a model. A cast stands around its
-- `case`, not inside: of a constant, Postgres tries what is inside before it asks the condition.

-- The text of a JSON string; null for every other kind of value.
create function cht.string(value jsonb) returns text
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'string' then value #>> '{}' end;

-- A string that isn't empty, or a number: short codes are written as either.
create function cht.code(value jsonb) returns text
language sql immutable parallel safe
return case when jsonb_typeof(value) in ('string', 'number') then nullif(value #>> '{}', '') end;

-- The _id in {"_id": …}, the form in which a document names another. An id that is too long to be staged is cut and
-- marked: it still names something that isn't there, and fits into an index.
create function cht.reference(value jsonb) returns text
language sql immutable parallel safe
return case
    when jsonb_typeof(value) <> 'object' then null
    when octet_length(cht.string(value -> '_id')) > 1000 then left(value ->> '_id', 200) || '…'
    else nullif(cht.string(value -> '_id'), '')
end;

-- The ids embedded in a `parent`, from the nearest up, as far as each names one.
create function cht.lineage(parent jsonb) returns text[]
language plpgsql immutable parallel safe as $$
declare
    ids text[] := '{}';
begin
    while cht.reference(parent) is not null loop
        ids := ids || cht.reference(parent);
        parent := parent -> 'parent';
    end loop;
    return ids;
end
$$;

-- Said to be so: present and neither null, false, 0 nor "".
create function cht.is_given(value jsonb) returns boolean
language sql immutable parallel safe
return coalesce(value not in ('null'::jsonb, 'false'::jsonb, '0'::jsonb, '""'::jsonb), false);

-- Muting was written by forms too, so the text "false" unmutes.
create function cht.is_muted(value jsonb) returns boolean
language sql immutable parallel safe
return cht.is_given(value) and value <> '"false"'::jsonb;

-- Milliseconds since the epoch as a moment; null outside the years 1 to 275760, which no clock shows.
create function cht.moment(milliseconds numeric) returns timestamptz
language sql immutable parallel safe
return case
    when milliseconds between -62135596800000 and 8640000000000000 then to_timestamp((milliseconds / 1000)::float8)
end;

-- An ISO date with or without a time; without an offset it is UTC. Nothing else that Postgres would take ("today", "1/2/2000").
create function cht.iso(value text) returns timestamptz
language sql stable parallel safe
return cast(case
    when value !~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?)?$' then null
    when value ~ '(Z|:.*[+-]\d{2}(:?\d{2})?)$' and pg_input_is_valid(value, 'timestamptz') then value
    when pg_input_is_valid(value || ' UTC', 'timestamptz') then value || ' UTC'
end as timestamptz);

-- A moment as devices write it: milliseconds as a number or as text, or ISO text.
create function cht.instant(value jsonb) returns timestamptz
language sql stable parallel safe
return case jsonb_typeof(value)
    when 'number' then cht.moment((value #>> '{}')::numeric)
    when 'string' then case
        when value #>> '{}' ~ '^[+-]?\d{1,16}([.]\d{1,20})?$' then cht.moment((value #>> '{}')::numeric)
        else cht.iso(value #>> '{}')
    end
end;

-- A day that was written as one (2024-02-29), which is the same day in every time zone.
create function cht.day(value jsonb) returns date
language sql stable parallel safe
return cast(case
    when cht.string(value) ~ '^\d{4}-\d{2}-\d{2}$' and pg_input_is_valid(value #>> '{}', 'date') then value #>> '{}'
end as date);

-- Whether a source is an instance's main database. Its companions hold no contacts of the present: medic-archive has
-- those that were taken out, medic-audit and medic-sentinel notes about them under the same ids.
create function cht.is_main(source text) returns boolean
language sql immutable parallel safe
return split_part(source, '/', 2) !~ '^_|-(archive|sentinel|users-meta|audit|logs|vault)$|-user-.*-meta$|-purged-role-';

-- How far each is.

create table ops.relation (
    name text collate "C" primary key,
    hash text not null,
    version bigint not null default 1
);
comment on table ops.relation is 'The models and views as they stand, and the count of runs that changed a row';
comment on column ops.relation.hash is 'Of the file that it was made from: another file makes it anew';
comment on column ops.relation.version is 'Rises with each run that changed a row: what reads it is refreshed when it has risen';

create table ops.model_state (
    model text collate "C" not null,
    source text collate "C" not null,
    batch bigint not null,
    primary key (model, source)
);
comment on table ops.model_state is 'The batch up to which each model has taken in each source; its own for each, so that one that failed catches up';

create table ops.model_source (
    source text collate "C" primary key,
    batch bigint not null,
    caught_up_at timestamptz,
    noted_at timestamptz not null default now()
);
comment on table ops.model_source is 'The batch up to which all models have taken in a source; above it there is something to do';
comment on column ops.model_source.caught_up_at is 'ops.checkpoint.caught_up_at as the models'' transaction saw it: their rows are as of then';

create table ops.mart_state (
    mart text collate "C" primary key,
    hash text not null,
    reads text[] not null,
    versions jsonb not null,
    refreshed_at timestamptz not null default now()
);
comment on table ops.mart_state is 'What each mart was last made from';
comment on column ops.mart_state.versions is 'ops.relation.version of each relation that it reads, as its refresh saw them';

create table ops.mart_source (
    mart text collate "C" not null references ops.mart_state on delete cascade,
    source text collate "C" not null,
    as_of timestamptz,
    primary key (mart, source)
);
comment on table ops.mart_source is 'As of when a source''s part of a mart was, at its last refresh';

-- Where nothing came in since, numbers made earlier are as of now, without a refresh to move them on.
create view marts.freshness as
with mart as (
    select
        state.mart,
        state.refreshed_at,
        state.versions = (
            select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
            from ops.relation
            where relation.name = any(state.reads)
        ) as is_current
    from ops.mart_state as state
)
select
    mart.mart,
    carried.source,
    case
        when not mart.is_current then carried.as_of
        when noted.batch = checkpoint.batch then checkpoint.caught_up_at
        else noted.caught_up_at
    end as as_of,
    case when mart.is_current then noted.caught_up_at else carried.as_of end is not null as complete,
    mart.is_current,
    mart.refreshed_at
from mart
join ops.mart_source as carried on carried.mart = mart.mart
left join ops.model_source as noted on noted.source = carried.source
left join ops.checkpoint as checkpoint on checkpoint.source = carried.source;
comment on view marts.freshness is 'As of when each mart is, by source: the moment at which CouchDB was last found to have nothing more';
comment on column marts.freshness.complete is 'false until the source was first copied to its end';
comment on column marts.freshness.is_current is 'false where the models have changed since the refresh';

-- Kept tables.

create table model_data.area_fold (
    source text collate "C" not null,
    area_uuid text collate "C" not null,
    name text,
    contact_type text collate "C",
    parent_uuid text collate "C",
    effective_parent text collate "C",
    level integer not null,
    household boolean not null,
    is_orphan boolean not null,
    in_cycle boolean not null,
    direct_persons bigint not null,
    direct_persons_active bigint not null,
    direct_persons_muted bigint not null,
    direct_persons_deceased bigint not null,
    direct_patients bigint not null,
    direct_patients_active bigint not null,
    direct_patients_muted bigint not null,
    direct_patients_deceased bigint not null,
    total_persons bigint not null,
    total_persons_active bigint not null,
    total_persons_muted bigint not null,
    total_persons_deceased bigint not null,
    total_patients bigint not null,
    total_patients_active bigint not null,
    total_patients_muted bigint not null,
    total_patients_deceased bigint not null,
    primary key (source, area_uuid)
);
comment on table model_data.area_fold is 'One row a live place with its counts, and one a source with an empty area_uuid for persons in no place';

create table model_data.orphan (
    source text collate "C" not null,
    uuid text collate "C" not null,
    is_person boolean not null,
    parent_uuid text collate "C" not null,
    effective_parent text collate "C",
    primary key (source, uuid)
);
comment on table model_data.orphan is 'One row a contact whose parent is not there, or is not a place; effective_parent is where it is counted instead';

create table model_data.cycle (
    source text collate "C" not null,
    uuid text collate "C" not null,
    top text collate "C" not null,
    primary key (source, uuid)
);
comment on table model_data.cycle is 'One row a place that is its own ancestor; top is the one of its cycle that counts as having no parent';

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
    primary key (source, area_uuid, day)
);
create index on history.area_day (day);
comment on table history.area_day is 'One row an area above the household and day; an empty area_uuid is persons in no place';
comment on column history.area_day.persons is 'Registered by the end of the day, the deceased too, counted where they are now';
comment on column history.area_day.patients is 'Those of them who have a patient_id now';
comment on column history.area_day.deceased is 'Those of them who had died by the end of the day';
comment on column history.area_day.registered is 'Persons whose reported_date is on the day';
comment on column history.area_day.died is 'Persons whose date_of_death is on the day';
comment on column history.area_day.reports is 'Reports whose reported_date is on the day, by the subject''s place, else the submitter''s';
