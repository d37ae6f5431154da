-- A district is muted: one write.
with page as (
    update ops.checkpoint set batch = batch + 1, reads = reads + 1 where source = %(source)s returning batch
)

update staging.document as kept
set
    _rev = '2-' || md5(page.batch::text || kept._id),
    batch = page.batch,
    doc = kept.doc || '{"muted": "2026-06-01T08:00:00.000Z"}'
from page
where kept.source = %(source)s and kept._id = bench.id('district', %(district)s);
