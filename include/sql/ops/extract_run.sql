-- How far a run is.
update ops.extract_run set
    updated_at = clock_timestamp(),
    ended_at = case when %(ended)s then clock_timestamp() end,
    pages = %(pages)s,
    rows_read = %(rows)s,
    changed = %(changed)s,
    rejected = %(rejected)s,
    left_out = %(left_out)s,
    bytes = %(bytes)s,
    pending = %(pending)s,
    caught_up = %(caught_up)s,
    message = %(message)s
where run = %(run)s
