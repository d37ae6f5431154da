-- One row per place in a cycle. Every cycle, new or not, has a place that is in fold_look.
-- top: The smallest _id of the cycle, which becomes a top
-- key: source, uuid
-- after: fold_up
with recursive above as (
    select own.source, own._id, own.up
    from pg_temp.fold_up as own
    where own.up is not null
    union
    select above.source, above._id, next.up
    from above
    cross join lateral (
        select own.up
        from pg_temp.fold_up as own
        where own.source = above.source and own._id = above.up
        union all
        select kept.effective_parent
        from model_data.place_count as kept
        where kept.source = above.source and kept.area_uuid = above.up
            and not exists (
                select from pg_temp.fold_up as own where own.source = above.source and own._id = above.up
            )
    ) as next (up)
    where next.up is not null
),

member as (
    select above.source, above._id
    from above
    where above.up = above._id
),

top as (
    select member.source, member._id, min(above.up) as top
    from member
    join above on above.source = member.source and above._id = member._id
    group by member.source, member._id
)

select distinct top.source, above.up as uuid, top.top
from top
join above on above.source = top.source and above._id = top._id
