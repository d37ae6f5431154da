-- What the models of tasks, targets and telemetry need, and a note of which header each relation's comments are from.

alter table ops.relation add column header text;
comment on column ops.relation.header is 'Of the comments at the head of the file, from which those in Postgres are made';

-- A number, or a text that spells one.
create function cht.number(value jsonb) returns numeric
language sql immutable parallel safe
return cast(case jsonb_typeof(value)
    when 'number' then value #>> '{}'
    when 'string' then case when value #>> '{}' ~ '^[+-]?\d{1,15}([.]\d{1,15})?$' then value #>> '{}' end
end as numeric);

-- The first three numbers of a version such as 4.15.0-beta.1; null where there are none.
create function cht.version(value text) returns integer[]
language sql immutable parallel safe
return regexp_match(value, '(\d{1,6})[.](\d{1,6})[.](\d{1,6})')::integer[];
