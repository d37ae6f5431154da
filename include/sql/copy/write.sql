-- Writes the page's rows up to line `until` into staging and the rejected documents. Returns how many rows were changed,
-- rejected and cleared. If a page has a document twice, its last row counts. A row is written only if it differs from
-- the stored one: a document that is read again unchanged is not parsed, not written and not modelled again.
-- `noted` (resync, replace): ids that are met and not written are put into staging.seen. `aside` (replace): documents of
-- the same revision are compared by their content, too. A document about an erased person keeps its id and revision
-- only, so that a comparison does not find it missing.
with
latest as (
    select max(page.line) as line
    from pg_temp.page
    where page.line <= %(until)s
    group by coalesce(page.reject_id, convert_to(page.id, 'UTF8'))
),
compared as (
    select
        page.id,
        coalesce(page.reject_id, convert_to(page.id, 'UTF8')) as id_bytes,
        page.rev,
        page.deleted,
        page.altered,
        page.body,
        page.raw,
        page.reason,
        document.doc as known,
        document._id is null
            or (document._rev, document._deleted, document.redaction_version)
                is distinct from (page.rev, page.deleted, %(redaction_version)s)
            or document.gone is not null as differs
    from latest
    join pg_temp.page on page.line = latest.line
    -- limit 1 makes the planner look up each document by its key. Without it, it reads the whole source for every page
    -- while it has no statistics of a table that has just begun to grow
    left join lateral (
        select
            document._id,
            document._rev,
            document._deleted,
            document.redaction_version,
            document.gone,
            case when %(aside)s then document.doc end as doc
        from staging.document
        where document.source = %(source)s and document._id = page.id
        limit 1
    ) as document on true
),
-- offset 0 here and below: a value that is used more than once is computed once
parsed as (
    select
        compared.*,
        case when (compared.differs or %(aside)s) and not compared.deleted and compared.reason is null
            then cht.try_jsonb(compared.body)
        end as doc
    from compared
    offset 0
),
screened as (
    select
        parsed.*,
        case
            -- evaluated once a page, so that it costs nothing if nobody was erased
            when (select not exists (select from ops.erased where erased.instance = split_part(%(source)s, '/',
                1))) then true
            when parsed.deleted or not (parsed.differs or %(aside)s) then true
            when parsed.doc is not null then not cht.is_erased(%(source)s, parsed.id, parsed.doc)
            else not cht.is_erased_unread(%(source)s, parsed.id_bytes, coalesce(parsed.raw, convert_to(parsed.body,
                'UTF8')))
        end as kept
    from parsed
    offset 0
),
classified as (
    select
        screened.*,
        case
            when not screened.kept then null
            -- if CouchDB cannot read a revision that is staged already, nothing is missing
            when screened.reason is not null and (screened.differs or %(aside)s) then screened.reason
            when (screened.differs or %(aside)s) and not screened.deleted and screened.doc is null
                then 'not JSON, or more than jsonb can hold (a number out of range, half a surrogate pair,
                    too many levels)'
        end as rejected
    from screened
    offset 0
),
judged as materialized (
    select
        classified.id,
        classified.id_bytes,
        classified.rev,
        classified.deleted,
        classified.altered and classified.kept as altered,
        classified.kept,
        case when classified.kept then classified.doc end as doc,
        classified.differs or (%(aside)s and case when classified.kept then classified.doc end is distinct
            from classified.known) as differs,
        classified.rejected,
        -- the text of rejected documents only: these rows are held in memory until the page is written
        case when classified.rejected is not null
            then coalesce(classified.raw, convert_to(classified.body, 'UTF8'))
        end as body
    from classified
),
staged as (
    insert into {document}
        (source, _id, _rev, _deleted, type, saved_timestamp, batch, redaction_version, altered, gone, doc)
    select
        %(source)s,
        judged.id,
        judged.rev,
        judged.deleted,
        case when jsonb_typeof(judged.doc -> 'type') = 'string' then cht.key(judged.doc ->> 'type') end,
        now(),
        %(batch)s,
        %(redaction_version)s,
        judged.altered,
        case when not judged.kept then 'erased' end,
        judged.doc
    from judged
    -- an id that cannot be staged is null here: the document is rejected, or about an erased person
    where judged.rejected is null and judged.differs and judged.id is not null
    on conflict (source, _id) do update set
        _rev = excluded._rev,
        _deleted = excluded._deleted,
        type = excluded.type,
        saved_timestamp = excluded.saved_timestamp,
        batch = excluded.batch,
        redaction_version = excluded.redaction_version,
        altered = excluded.altered,
        gone = excluded.gone,
        doc = excluded.doc
    returning 1
),
rejected as (
    insert into {rejected} as kept (source, id, _rev, reason, batch, rejected_at, redaction_version, body)
    select
        %(source)s,
        judged.id_bytes,
        judged.rev,
        judged.rejected,
        %(batch)s,
        now(),
        %(redaction_version)s,
        judged.body
    from judged
    -- a deletion has no body to keep
    where judged.rejected is not null and not judged.deleted
    on conflict (source, id) do update set
        _rev = excluded._rev,
        reason = excluded.reason,
        batch = excluded.batch,
        rejected_at = excluded.rejected_at,
        redaction_version = excluded.redaction_version,
        body = excluded.body
    where (kept._rev, kept.redaction_version, kept.reason)
        is distinct from (excluded._rev, excluded.redaction_version, excluded.reason)
    returning 1
),
cleared as (
    delete from {rejected} as kept
    using judged
    where kept.source = %(source)s
        and kept.id = judged.id_bytes
        and (judged.rejected is null or judged.deleted)
    returning 1
),
noted as (
    insert into staging.seen (source, id)
    select %(source)s, judged.id_bytes
    from judged
    where %(noted)s and not judged.deleted and (judged.rejected is not null or not judged.differs)
),
-- set aside when it was met before, but now the same as in the visible copy again
settled as (
    delete from staging.next
    using judged
    where %(aside)s
        and next.source = %(source)s
        and next._id = judged.id
        and judged.rejected is null
        and not judged.differs
)
select
    (select count(*) from staged) as changed,
    (select count(*) from rejected) as rejected,
    (select count(*) from cleared) as cleared
