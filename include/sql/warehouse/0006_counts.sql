-- What the counts of every area are counted by. Their tables are in include/sql/models/counts: they are made again when what counts has
-- changed.

-- Sex and age.

-- female, male, other (something else is written), unknown.
create function cht.sex(value text) returns text
language sql immutable parallel safe
return case
    when lower(btrim(value)) in ('female', 'f', 'woman', 'girl') then 'female'
    when lower(btrim(value)) in ('male', 'm', 'man', 'boy') then 'male'
    when lower(btrim(value)) not in ('', 'unknown', 'u') then 'other'
    else 'unknown'
end collate "C";

-- The age band of a person on a day. A person who is not born yet is in the band of unknown ages.
create function cht.age_band(born_on date, today date) returns text
language sql immutable parallel safe
return case
    when born_on is null or born_on > today then 'unknown'
    when born_on + interval '50 years' <= today then '50 and over'
    when born_on + interval '15 years' <= today then '15 to 49'
    when born_on + interval '10 years' <= today then '10 to 14'
    when born_on + interval '5 years' <= today then '5 to 9'
    when born_on + interval '1 year' <= today then '1 to 4'
    else '0'
end collate "C";

-- The day on which a person enters the next band; null in the last one.
create function cht.band_turns_on(born_on date, today date) returns date
language sql immutable parallel safe
return cast(case
    when born_on > today then born_on
    when born_on + interval '1 year' > today then born_on + interval '1 year'
    when born_on + interval '5 years' > today then born_on + interval '5 years'
    when born_on + interval '10 years' > today then born_on + interval '10 years'
    when born_on + interval '15 years' > today then born_on + interval '15 years'
    when born_on + interval '50 years' > today then born_on + interval '50 years'
end as date);

-- The lowest age of a band, by which bands are ordered; null where the age is unknown.
create function cht.age_from(band text) returns integer
language sql immutable parallel safe
return cast(substring(band from '^\d+') as integer);

create table ops.band_day (
    source text collate "C" primary key,
    as_of date not null
);
comment on table ops.band_day is 'The local day of the ages in each source''s counts; the first run of the models on another day moves it';

create table ops.to_recount (
    source text collate "C" primary key references ops.source on delete cascade
);
comment on table ops.to_recount is 'Sources whose areas were requested to be counted from nothing, by the next run of cht_marts';
