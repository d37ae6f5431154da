-- As before, but digits are those of ASCII only: where a database's locale is one of ICU, \d is a digit of any script, and
-- the cast behind it fails.
create or replace function cht.instant(value jsonb) returns timestamptz
language sql stable parallel safe
return case jsonb_typeof(value)
    when 'number' then cht.moment((value #>> '{}')::numeric)
    when 'string' then case
        when value #>> '{}' ~ '^[+-]?[0-9]{1,16}([.][0-9]{1,20})?$' then cht.moment((value #>> '{}')::numeric)
        else cht.iso(value #>> '{}')
    end
end;

create or replace function cht.number(value jsonb) returns numeric
language sql immutable parallel safe
return cast(case jsonb_typeof(value)
    when 'number' then value #>> '{}'
    when 'string' then case when value #>> '{}' ~ '^[+-]?[0-9]{1,15}([.][0-9]{1,15})?$' then value #>> '{}' end
end as numeric);

create or replace function cht.version(value text) returns integer[]
language sql immutable parallel safe
return regexp_match(value, '([0-9]{1,6})[.]([0-9]{1,6})[.]([0-9]{1,6})')::integer[];
