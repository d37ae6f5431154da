-- Writes how far a range is, if no other run has moved it since.
update ops.snapshot_range set
    copied_to = %(after)s,
    documents = documents + %(rows)s,
    updated_at = now(),
    finished_at = case when %(finished)s then now() end
where source = %(source)s
    and number = %(number)s
    and copied_to = %(before)s
    and finished_at is null
returning number
