-- Writes the end of a comparison. If it failed, all numbers are null, and the message says why.
update ops.verification set
    ended_at = clock_timestamp(),
    documents = %(documents)s,
    missing = %(missing)s,
    stale = %(stale)s,
    extra = %(extra)s,
    purged = %(purged)s,
    archived = %(archived)s,
    rejected = %(rejected)s,
    not_yet = %(not_yet)s,
    repaired = %(repaired)s,
    left_over = %(left_over)s,
    message = %(message)s
where verification = %(verification)s
