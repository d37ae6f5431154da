-- One row per place in a cycle. No top is above a place in a cycle, nor above one below a cycle.
-- top: The smallest _id of the cycle, which becomes a top
-- key: source, uuid
-- after: fold_up
with recursive reached as (
    select place.source, place._id
    from pg_temp.fold_up as place
    where place.up is null
    union all
    select place.source, place._id
    from reached
    join pg_temp.fold_up as place on place.source = reached.source and place.up = reached._id
),

stray as (
    select place.source, place._id, place.up
    from pg_temp.fold_up as place
    left join reached on reached.source = place.source and reached._id = place._id
    where reached._id is null
),

above as (
    select stray.source, stray._id, stray.up
    from stray
    union
    select above.source, above._id, stray.up
    from above
    join stray on stray.source = above.source and stray._id = above.up
),

member as (
    select above.source, above._id
    from above
    where above.up = above._id
)

select above.source, above._id as uuid, min(above.up) as top
from member
join above on above.source = member.source and above._id = member._id
group by above.source, above._id
