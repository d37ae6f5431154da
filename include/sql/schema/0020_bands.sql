-- What the counts by sex and age need: casts, and the day of which each source's ages are.

-- A day of birth; of one that was written as a moment the day in UTC, which the servers keep that write it so.
create function cht.born_on(value jsonb) returns date
language sql stable parallel safe
return case when cht.is_given(value) then coalesce(cht.day(value), (cht.instant(value) at time zone 'UTC')::date) end;

-- female, male, other (something else is written), unknown.
create function cht.sex(value text) returns text
language sql immutable parallel safe
return case
    when lower(btrim(value)) in ('female', 'f', 'woman', 'girl') then 'female'
    when lower(btrim(value)) in ('male', 'm', 'man', 'boy') then 'male'
    when lower(btrim(value)) not in ('', 'unknown', 'u') then 'other'
    else 'unknown'
end collate "C";

-- The band of ages that somebody is in on a day; who isn't born yet is in that of those whose birth nobody knows.
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

-- The day on which the next band begins for somebody; null where none does any more.
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

-- The age with which a band begins, by which bands are ordered; null where the age is unknown.
create function cht.age_from(band text) returns integer
language sql immutable parallel safe
return cast(substring(band from '^\d+') as integer);

create table ops.band_day (
    source text collate "C" primary key,
    as_of date not null
);
comment on table ops.band_day is 'The local day of which the ages in each source''s counts are; the first run of the models on another day moves it';
