-- Inserts the ranges of a first copy: each begins after the last id of the one before.
insert into ops.snapshot_range (source, number, copied_to, until, expected)
select
    %(source)s,
    cut.number,
    coalesce(lag(cut.until) over (order by cut.number), ''),
    cut.until,
    %(expected)s
from unnest(%(untils)s::text[]) with ordinality as cut (until, number)
