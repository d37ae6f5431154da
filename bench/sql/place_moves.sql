-- A health centre moves to another district: one write for it and for each of its 5,120 descendants, in one page.
with page as (
    update ops.checkpoint set batch = batch + 1, reads = reads + 1 where source = %(source)s returning batch
),

moved as (
    select bench.id('centre', %(centre)s) as _id
    union all
    select bench.id('area', n) from generate_series(%(centre)s * 40, %(centre)s * 40 + 39) as n
    union all
    select bench.id('worker', n) from generate_series(%(centre)s * 40, %(centre)s * 40 + 39) as n
    union all
    select bench.id('household', n) from generate_series(%(centre)s * 840, %(centre)s * 840 + 839) as n
    union all
    select bench.id('person', n) from generate_series(%(centre)s * 4200, %(centre)s * 4200 + 4199) as n
)

update staging.document as kept
set
    _rev = '2-' || md5(page.batch::text || kept._id),
    batch = page.batch,
    doc = replace(
        kept.doc::text, bench.id('district', %(centre)s / 10), bench.id('district', %(centre)s / 10 + 1)
    )::jsonb
from moved
cross join page
where kept.source = %(source)s and kept._id = moved._id;
