-- What counts by month need: the deployment's time zone, and the month of a moment in it.

create table ops.deployment (
    is_only boolean primary key default true check (is_only),
    timezone text not null
);
comment on table ops.deployment is 'What include/instances.toml says of the whole deployment, as the models have it';
comment on column ops.deployment.timezone is 'In which a day begins and ends: another one makes anew what counts by month';
insert into ops.deployment (timezone) values ('UTC');

-- The first day of its month; -infinity where there is no moment: a key can't be null.
create function cht.month(moment timestamptz, timezone text) returns date
language sql stable parallel safe
return coalesce(date_trunc('month', moment at time zone timezone)::date, '-infinity'::date);
