-- What the marts beyond patients_by_area need.

-- A digest of the ids that a `parent` embeds, in their order: that of the nearest, and of the digest of the rest. So one for a
-- contact can be made from its parent's. Null where it names none.
create function cht.lineage_above(nearest text, rest uuid) returns uuid
language sql immutable parallel safe
return md5(nearest || ' ' || coalesce(rest::text, ''))::uuid;

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

-- No earlier than people who live now were born, and no later than a day after the document was copied: clocks are in
-- other time zones, and some are a little wrong. Null is no date, and not impossible.
create function cht.is_impossible(moment timestamptz, copied timestamptz) returns boolean
language sql stable parallel safe
return coalesce(moment < '1900-01-01T00:00:00Z'::timestamptz or moment > copied + interval '1 day', false);

alter table ops.mart_state add column every text not null default 'run' check (every in ('run', 'hour'));
comment on column ops.mart_state.every is 'How often it is refreshed where what it reads has changed: with every run, or once an hour';
