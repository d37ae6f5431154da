-- The page's rows up to line `until` into staging and among the rejects; returns how many rows changed, and how many were refused.
-- Where a page names a document twice the last row wins. A row is written where it differs from what is there: a
-- document read again unchanged is not parsed again, not written and not modelled again. Where a source is copied anew,
-- `noted` ids that are met and not written are put into staging.seen; what is kept `aside` is compared by its content too.
-- Of whoever was erased on request nothing is kept but id and revision, with which the row is known not to be missing.
with
latest as (
    select distinct on (coalesce(page.reject_id, convert_to(page.id, 'UTF8')))
        page.id,
        coalesce(page.reject_id, convert_to(page.id, 'UTF8')) as id_bytes,
        page.rev,
        page.deleted,
        page.altered,
        page.body,
        page.raw,
        page.reason
    from pg_temp.page
    where page.line <= %(until)s
    order by coalesce(page.reject_id, convert_to(page.id, 'UTF8')), page.line desc
),
compared as (
    select
        latest.*,
        case when %(aside)s then document.doc end as known,
        document._id is null
            or (document._rev, document._deleted, document.form) is distinct from (latest.rev, latest.deleted, %(form)s)
            or document.gone is not null as differs
    from latest
    left join staging.document on document.source = %(source)s and document._id = latest.id
),
parsed as materialized (
    select
        compared.*,
        case when (compared.differs or %(aside)s) and not compared.deleted and compared.reason is null
            then cht.try_jsonb(compared.body)
        end as doc
    from compared
),
screened as materialized (
    select
        parsed.id,
        parsed.id_bytes,
        parsed.rev,
        parsed.deleted,
        parsed.altered,
        parsed.body,
        parsed.raw,
        parsed.known,
        parsed.reason,
        parsed.differs,
        not coalesce(erasure.erased, false) as kept,
        case when not coalesce(erasure.erased, false) then parsed.doc end as doc
    from parsed
    left join lateral (
        select
            case
                when parsed.doc is not null then cht.is_erased(%(source)s, parsed.id, parsed.doc)
                else cht.is_erased_unread(%(source)s, parsed.id_bytes, coalesce(parsed.raw, convert_to(parsed.body, 'UTF8')))
            end as erased
        -- asked once a page, so that it costs nothing where nobody was erased
        where (select exists (select from ops.erased where erased.instance = split_part(%(source)s, '/', 1)))
            and not parsed.deleted
            and (parsed.differs or %(aside)s)
    ) as erasure on true
),
judged as materialized (
    select
        parsed.id,
        parsed.id_bytes,
        parsed.rev,
        parsed.deleted,
        parsed.altered and parsed.kept as altered,
        parsed.body,
        parsed.raw,
        parsed.kept,
        parsed.doc,
        parsed.differs or (%(aside)s and parsed.doc is distinct from parsed.known) as differs,
        case
            when not parsed.kept then null
            -- of a revision that is staged nothing is missing, where CouchDB cannot read it now
            when parsed.reason is not null and (parsed.differs or %(aside)s) then parsed.reason
            when (parsed.differs or %(aside)s) and not parsed.deleted and parsed.doc is null
                then 'not JSON, or more than jsonb can hold (a number out of range, half a surrogate pair, too many levels)'
        end as refused
    from screened as parsed
),
staged as (
    insert into {document}
        (source, _id, _rev, _deleted, type, saved_timestamp, batch, form, altered, gone, doc)
    select
        %(source)s,
        judged.id,
        judged.rev,
        judged.deleted,
        case when jsonb_typeof(judged.doc -> 'type') = 'string' then cht.key(judged.doc ->> 'type') end,
        now(),
        %(batch)s,
        %(form)s,
        judged.altered,
        case when not judged.kept then 'erased' end,
        judged.doc
    from judged
    -- an id that cannot be staged has none here: it is refused, or of somebody who was erased
    where judged.refused is null and judged.differs and judged.id is not null
    on conflict (source, _id) do update set
        _rev = excluded._rev,
        _deleted = excluded._deleted,
        type = excluded.type,
        saved_timestamp = excluded.saved_timestamp,
        batch = excluded.batch,
        form = excluded.form,
        altered = excluded.altered,
        gone = excluded.gone,
        doc = excluded.doc
    returning 1
),
rejected as (
    insert into {rejected} as kept (source, id, _rev, reason, batch, rejected_at, form, body)
    select
        %(source)s,
        judged.id_bytes,
        judged.rev,
        judged.refused,
        %(batch)s,
        now(),
        %(form)s,
        coalesce(judged.raw, convert_to(judged.body, 'UTF8'))
    from judged
    -- the deletion of a document that was never staged leaves nothing to keep
    where judged.refused is not null and not judged.deleted
    on conflict (source, id) do update set
        _rev = excluded._rev,
        reason = excluded.reason,
        batch = excluded.batch,
        rejected_at = excluded.rejected_at,
        form = excluded.form,
        body = excluded.body
    where (kept._rev, kept.form, kept.reason) is distinct from (excluded._rev, excluded.form, excluded.reason)
    returning 1
),
cleared as (
    delete from {rejected} as kept
    using judged
    where kept.source = %(source)s
        and kept.id = judged.id_bytes
        and (judged.refused is null or judged.deleted)
    returning 1
),
noted as (
    insert into staging.seen (source, id)
    select %(source)s, judged.id_bytes
    from judged
    where %(noted)s and not judged.deleted and (judged.refused is not null or not judged.differs)
),
-- what differed when it was met before, and is again as it is in the copy that is seen
settled as (
    delete from staging.next
    using judged
    where %(aside)s
        and next.source = %(source)s
        and next._id = judged.id
        and judged.refused is null
        and not judged.differs
)
select
    (select count(*) from staged) as changed,
    (select count(*) from rejected) as rejected,
    (select count(*) from cleared) as cleared
