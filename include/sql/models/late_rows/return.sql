-- Forgets a removed person who is a person again. Also forgets everyone who was erased while a run of the models was working.
with looked_at as (
    select person.source, person._id as uuid
    from pg_temp.now_person as person
    union
    select kept.source, kept.uuid
    from history.removed_person as kept
    where kept.source = any(%(whole)s)
),

back as (
    select looked_at.source, looked_at.uuid
    from looked_at
    join models.person as person on person.source = looked_at.source and person._id = looked_at.uuid
    union
    select kept.source, kept.uuid
    from history.removed_person as kept
    where exists (select from ops.erased where erased.erased_at > now() - interval '1 day')
        and cht.is_erased(kept.source, kept.uuid, null)
)

delete from history.removed_person as kept
using back
where kept.source = back.source and kept.uuid = back.uuid
