-- Functions that read the values of a document. Each returns null for what it cannot read, so that one bad value stops no
-- model. Where a cast has a condition, the cast stands around the `case`: Postgres evaluates a constant cast inside a
-- branch even when the branch is not taken.

-- Texts and ids.

-- The text as jsonb, or null where jsonb cannot hold it: a number out of range, too deep, not JSON.
create function cht.try_jsonb(body text) returns jsonb
language plpgsql immutable parallel safe as $$
begin
    return body::jsonb;
exception
    when data_exception or program_limit_exceeded or statement_too_complex then
        return null;
end
$$;

-- Bytes as text, or null where Postgres cannot hold them as text.
create function cht.try_text(value bytea) returns text
language plpgsql immutable parallel safe as $$
begin
    return convert_from(value, 'UTF8');
exception
    when data_exception then
        return null;
end
$$;

-- A text used as a key, or null where it is too long for an index. No key is a document's whole text.
create function cht.key(value text) returns text
language sql immutable parallel safe
return case when octet_length(value) <= 500 then value end;

-- The text of a JSON string; null for every other kind of value.
create function cht.string(value jsonb) returns text
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'string' then value #>> '{}' end;

-- A string that is not empty, or a number: short codes are written as either.
create function cht.code(value jsonb) returns text
language sql immutable parallel safe
return case when jsonb_typeof(value) in ('string', 'number') then nullif(value #>> '{}', '') end;

-- The _id in {"_id": …}, the form in which a document names another. An id that is too long to be staged is cut and marked:
-- it names a document that is not there, and fits into an index. Called for every document, so it has few steps.
create function cht.reference(value jsonb) returns text
language sql immutable parallel safe
return case
    when jsonb_typeof(value -> '_id') is distinct from 'string' then null
    when octet_length(value ->> '_id') > 1000 then left(value ->> '_id', 200) || '…'
    else nullif(value ->> '_id', '')
end;

-- The ids embedded in a `parent`, the nearest first, up to the first level that names none. Called for every document.
create function cht.lineage(parent jsonb) returns text[]
language plpgsql immutable parallel safe as $$
declare
    ids text[] := '{}';
    id text := cht.reference(parent);
begin
    while id is not null loop
        ids := ids || id;
        parent := parent -> 'parent';
        id := cht.reference(parent);
    end loop;
    return ids;
end
$$;

-- A digest of the ids that a `parent` embeds, in their order: made of the nearest id and of the digest of the others. So the
-- digest of a contact can be made from that of its parent.
create function cht.lineage_above(nearest text, rest uuid) returns uuid
language sql immutable parallel safe
return md5(nearest || ' ' || coalesce(rest::text, ''))::uuid;

-- The same of a whole `parent`; null where it names no id.
create function cht.lineage_digest(parent jsonb) returns uuid
language plpgsql immutable parallel safe as $$
declare
    ids text[] := cht.lineage(parent);
    digest uuid;
begin
    for position in reverse cardinality(ids) .. 1 loop
        digest := cht.lineage_above(ids[position], digest);
    end loop;
    return digest;
end
$$;

-- Truth.

-- Whether a value says yes: present, and neither null, false, 0 nor "".
create function cht.is_given(value jsonb) returns boolean
language sql immutable parallel safe
return coalesce(value not in ('null'::jsonb, 'false'::jsonb, '0'::jsonb, '""'::jsonb), false);

-- Forms write `muted` too, as text: the text "false" means not muted.
create function cht.is_muted(value jsonb) returns boolean
language sql immutable parallel safe
return cht.is_given(value) and value <> '"false"'::jsonb;

-- Numbers. Digits are those of ASCII: in a database with an ICU locale \d matches digits of every script, and the cast after
-- it fails.

-- A number, or a text that spells one.
create function cht.number(value jsonb) returns numeric
language sql immutable parallel safe
return case jsonb_typeof(value)
    when 'number' then value::numeric
    when 'string' then cast(
        case when value #>> '{}' ~ '^[+-]?[0-9]{1,15}([.][0-9]{1,15})?$' then value #>> '{}' end as numeric
    )
end;

-- The first three numbers of a version such as 4.15.0-beta.1; null where there are none.
create function cht.version(value text) returns integer[]
language sql immutable parallel safe
return regexp_match(value, '([0-9]{1,6})[.]([0-9]{1,6})[.]([0-9]{1,6})')::integer[];

-- Moments and days.

-- Milliseconds since the epoch as a moment; null outside the years 1 to 275760, which no clock shows.
create function cht.moment(milliseconds numeric) returns timestamptz
language sql immutable parallel safe
return case
    when milliseconds between -62135596800000 and 8640000000000000 then to_timestamp((milliseconds / 1000)::float8)
end;

-- An ISO date with or without a time; without an offset it is UTC. Other forms that Postgres accepts ("today", "1/2/2000")
-- give null.
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
    when 'number' then cht.moment(value::numeric)
    when 'string' then case
        when value #>> '{}' ~ '^[+-]?[0-9]{1,16}([.][0-9]{1,20})?$' then cht.moment((value #>> '{}')::numeric)
        else cht.iso(value #>> '{}')
    end
end;

-- A day that was written as one (2024-02-29), which is the same day in every time zone.
create function cht.day(value jsonb) returns date
language sql stable parallel safe
return cast(case
    when cht.string(value) ~ '^\d{4}-\d{2}-\d{2}$' and pg_input_is_valid(value #>> '{}', 'date') then value #>> '{}'
end as date);

-- A day of birth. If it was written as a moment, the day in UTC: the servers that write moments keep UTC.
create function cht.born_on(value jsonb) returns date
language sql stable parallel safe
return case when cht.is_given(value) then coalesce(cht.day(value), (cht.instant(value) at time zone 'UTC')::date) end;

-- Earlier than the birth of anyone alive, or more than a day after the document was copied: a clock may be wrong by hours, or
-- in another time zone. Null is no date, and not impossible.
create function cht.is_impossible(moment timestamptz, copied timestamptz) returns boolean
language sql stable parallel safe
return coalesce(moment < '1900-01-01T00:00:00Z'::timestamptz or moment > copied + interval '1 day', false);

-- The first day of the month of a moment in a time zone; -infinity where there is no moment, since a key cannot be null.
create function cht.month(moment timestamptz, timezone text) returns date
language sql stable parallel safe
return coalesce(date_trunc('month', moment at time zone timezone)::date, '-infinity'::date);
