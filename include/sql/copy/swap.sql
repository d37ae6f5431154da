-- Moves the copy that a replace has made aside into the visible one; returns how many rows that changed.
with
staged as (
    insert into staging.document
        (source, _id, _rev, _deleted, type, saved_timestamp, batch, redaction_version, altered, gone, doc)
    select
        next.source,
        next._id,
        next._rev,
        next._deleted,
        next.type,
        now(),
        %(batch)s,
        next.redaction_version,
        next.altered,
        next.gone,
        next.doc
    from staging.next
    where next.source = %(source)s
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
    insert into ops.rejected_document as kept (source, id, _rev, reason, batch, rejected_at, redaction_version, body)
    select rejected.source, rejected.id, rejected._rev, rejected.reason, %(batch)s, rejected.rejected_at,
        rejected.redaction_version, rejected.body
    from staging.next_rejected as rejected
    where rejected.source = %(source)s
    on conflict (source, id) do update set
        _rev = excluded._rev,
        reason = excluded.reason,
        batch = excluded.batch,
        rejected_at = excluded.rejected_at,
        redaction_version = excluded.redaction_version,
        body = excluded.body
    where (kept._rev, kept.redaction_version, kept.reason, kept.body)
        is distinct from (excluded._rev, excluded.redaction_version, excluded.reason, excluded.body)
    returning 1
),
cleared as (
    delete from ops.rejected_document as kept
    where kept.source = %(source)s
        and not exists (
            select from staging.next_rejected as rejected
            where rejected.source = kept.source and rejected.id = kept.id
        )
    returning 1
)
select (select count(*) from staged) + (select count(*) from rejected) + (select count(*) from cleared)
