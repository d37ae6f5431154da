-- The ranges of a first copy: each from behind the last id of the one before.
insert into ops.snapshot_range (source, number, behind, until, expected)
select
    %(source)s,
    cut.number,
    coalesce(lag(cut.until) over (order by cut.number), ''),
    cut.until,
    %(expected)s
from unnest(%(untils)s::text[]) with ordinality as cut (until, number)
