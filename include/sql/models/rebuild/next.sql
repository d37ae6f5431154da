-- The models with the least progress in a source: each with its base, its next page, and its number of pages.
select kept.model, kept.base, kept.upto, kept.blocks
from ops.rebuild_source as kept
where kept.source = %(source)s
    and kept.model = any(%(models)s)
    and kept.upto = (
        select min(least.upto)
        from ops.rebuild_source as least
        where least.source = %(source)s and least.model = any(%(models)s) and least.upto < least.blocks
    )
    and kept.upto < kept.blocks
order by array_position(%(models)s::text[], kept.model)
