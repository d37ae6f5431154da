-- Begins a first copy in ranges if nothing is copied yet; returns the new generation. The feed resumes at `seq` once all
-- ranges are copied. `restart`: begins again although one is unfinished.
update ops.checkpoint set
    generation = generation + 1,
    mode = 'copying',
    seq = %(seq)s,
    seeded_at = case when %(seeded)s then now() end,
    identity_kind = %(kind)s,
    identity = %(identity)s,
    updated_at = now()
where source = %(source)s
    and generation = %(generation)s
    and reads = 0
    and (mode = 'incremental' or (mode = 'copying' and %(restart)s))
returning generation
