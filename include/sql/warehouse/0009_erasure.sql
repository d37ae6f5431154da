-- People who were erased on request, and stay erased.

create table ops.erased (
    instance text collate "C" not null,
    digest bytea not null,
    erased_at timestamptz not null default now(),
    primary key (instance, digest)
);
comment on table ops.erased is 'Who was erased on request: documents about them are left out whenever they come; see cht.erase';
comment on column ops.erased.digest is 'cht.erasure_digest of an id, a short code or an account; no id is kept as text';

create function cht.erasure_digest(instance text, key text) returns bytea
language sql immutable parallel safe
return sha256(convert_to(instance || '/' || key, 'UTF8'));

-- A text, or a number as text, that is not empty; in an object, its _id.
create function cht.erasure_key(value jsonb) returns text
language sql immutable parallel safe
return coalesce(cht.code(value), nullif(cht.string(value -> '_id'), ''));

-- Whom a document is about: the person by _id, its -info; the subject of a report, by short code only where it names no
-- uuid; whom a task or a target is about or for; whom an account, its telemetry or its feedback belongs to. The submitter of a
-- report is not among them: the report is about somebody else.
create function cht.about(_id text, doc jsonb) returns text[]
language sql immutable parallel safe
return array_remove(
    array[_id, case when _id like '%-info' then left(_id, -5) end]
    || case doc ->> 'type'
        when 'data_record' then
            case
                when coalesce(cht.erasure_key(doc -> 'patient_uuid'),
                    cht.erasure_key(doc -> 'fields' -> 'patient_uuid')) is null
                    then array[cht.erasure_key(doc -> 'patient_id'), cht.erasure_key(doc -> 'fields' -> 'patient_id')]
                else array[cht.erasure_key(doc -> 'patient_uuid'), cht.erasure_key(doc -> 'fields' -> 'patient_uuid')]
            end
        when 'task' then array[
            cht.erasure_key(doc -> 'owner'), cht.erasure_key(doc -> 'requester'),
                cht.erasure_key(doc -> 'emission' -> 'forId')
        ]
        when 'target' then array[cht.erasure_key(doc -> 'owner')]
        when 'user-settings' then array[cht.erasure_key(doc -> 'contact_id')]
        when 'user' then array[cht.erasure_key(doc -> 'contact_id'), cht.erasure_key(doc -> 'contact')]
        when 'telemetry' then array['org.couchdb.user:' || (doc -> 'metadata' ->> 'user')]
        when 'feedback' then array['org.couchdb.user:' || (doc -> 'meta' -> 'user' ->> 'name')]
        else '{}'
    end,
    null
);

create function cht.is_erased(source text, _id text, doc jsonb) returns boolean
language sql stable parallel safe
return exists (
    select
    from unnest(cht.about(_id, doc)) as about (key)
    join ops.erased
        on erased.instance = split_part(source, '/', 1)
        and erased.digest = cht.erasure_digest(split_part(source, '/', 1), about.key)
);

-- The same of a document that cannot be read as JSON: by its id, and by every word in it that looks like a long id.
create function cht.is_erased_unread(source text, id bytea, body bytea) returns boolean
language sql stable parallel safe
return exists (
    select
    from (
        select cht.try_text(id) as key
        union
        select regexp_replace(cht.try_text(id), '-info$', '')
        union
        select found.words[1]
        from regexp_matches(encode(body, 'escape'), '[A-Za-z0-9_:.@-]{16,200}', 'g') as found (words)
    ) as named
    join ops.erased
        on erased.instance = split_part(source, '/', 1)
        and erased.digest = cht.erasure_digest(split_part(source, '/', 1), named.key)
    where named.key is not null
);

-- Removes from the warehouse what it has about the people in ops.erased. A source that is being replaced, or copied for the
-- first time, waits: until then nothing else may write to its copy.
create function cht.erase_again(of_instance text)
returns table (source text, documents bigint, rejected bigint, waits boolean)
language plpgsql as $$
declare
    each record;
begin
    -- the same lock as that of a page: this sees what an extraction commits before, and what it writes later sees ops.erased
    for each in
        select checkpoint.source, checkpoint.mode
        from ops.checkpoint
        join ops.source as known on known.source = checkpoint.source
        where known.instance = of_instance
        order by checkpoint.source
        for update of checkpoint
    loop
        source := each.source;
        waits := each.mode in ('replace', 'copying');
        documents := 0;
        delete from history.removed_person as kept
        where kept.source = each.source and cht.is_erased(kept.source, kept.uuid, null);
        delete from ops.rejected_document as kept
        where kept.source = each.source and cht.is_erased_unread(kept.source, kept.id, kept.body);
        get diagnostics rejected = row_count;
        delete from staging.next_rejected as kept
        where kept.source = each.source and cht.is_erased_unread(kept.source, kept.id, kept.body);
        update staging.next set doc = null, type = null, gone = 'erased'
        where next.source = each.source and next.doc is not null and cht.is_erased(next.source, next._id, next.doc);
        if not waits then
            update staging.document set
                doc = null,
                type = null,
                altered = false,
                gone = 'erased',
                saved_timestamp = now(),
                batch = (select checkpoint.batch + 1 from ops.checkpoint where checkpoint.source = each.source)
            where document.source = each.source
                and document.doc is not null
                and cht.is_erased(document.source, document._id, document.doc);
            get diagnostics documents = row_count;
        end if;
        if documents > 0 then
            update ops.checkpoint set batch = batch + 1 where checkpoint.source = each.source;
        end if;
        return next;
    end loop;
end
$$;

-- Erases everything about one person of an instance, and keeps it erased: `keys` are the person's _id and, where the contact's
-- own document is no longer there, its short code. The models follow with the next run of cht_marts.
create function cht.erase(of_instance text, variadic keys text[])
returns table (source text, documents bigint, rejected bigint, waits boolean)
language plpgsql as $$
declare
    is_place boolean := false;
begin
    if not exists (select from ops.source as known where known.instance = of_instance) then
        raise exception 'There is no such instance' using hint = 'select distinct instance from ops.source';
    end if;
    if array_position(keys, null) is not null or array_position(keys, '') is not null then
        raise exception 'One of the keys is empty' using hint = 'Give the _id of the person';
    end if;
    if to_regclass('models.place') is not null then
        execute 'select exists (select from models.place where split_part(source, ''/'', 1) = $1 and _id = any($2))'
        into is_place using of_instance, keys;
    end if;
    if is_place then
        raise exception 'That is a place, not a person' using hint = 'Erase each of its persons by the _id';
    end if;
    perform from ops.checkpoint
    join ops.source as known on known.source = checkpoint.source
    where known.instance = of_instance
    order by checkpoint.source
    for update of checkpoint;
    insert into ops.erased (instance, digest)
    select distinct of_instance, cht.erasure_digest(of_instance, found.key)
    from (
        select unnest(keys) as key
        union all
        select cht.code(document.doc -> 'patient_id')
        from staging.document
        join ops.source as known on known.source = document.source and known.instance = of_instance
        where document._id = any(keys)
        union all
        select document._id
        from staging.document
        join ops.source as known on known.source = document.source and known.instance = of_instance
        where document.type in ('user-settings', 'user')
            and coalesce(cht.erasure_key(document.doc -> 'contact_id'),
                cht.erasure_key(document.doc -> 'contact')) = any(keys)
    ) as found
    where found.key is not null
    on conflict do nothing;
    return query select * from cht.erase_again(of_instance);
end
$$;
