-- Writes the progress of a run; the first call inserts its row. Returns its number.
with moved as (
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
    returning run
),
begun as (
    insert into ops.extract_run
        (source, mode, started_at, updated_at, ended_at, pages, rows_read, changed, rejected, left_out, bytes, pending,
        caught_up, message)
    select
        %(source)s,
        %(mode)s,
        clock_timestamp() - make_interval(secs => %(seconds)s),
        clock_timestamp(),
        case when %(ended)s then clock_timestamp() end,
        %(pages)s,
        %(rows)s,
        %(changed)s,
        %(rejected)s,
        %(left_out)s,
        %(bytes)s,
        %(pending)s,
        %(caught_up)s,
        %(message)s
    where not exists (select from moved)
    returning run
)
select run from moved
union all
select run from begun
