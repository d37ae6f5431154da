-- The earliest moment at which the rewritten persons change what past days are counted from; null if there is none. It runs
-- while history.removed_person has the persons who were just removed, and still has those who have returned.
with now as (
    select
        person.source,
        person._id as uuid,
        person.reported as registered,
        person.died_on,
        person.died_at,
        person.is_patient,
        person.is_deceased
    from models.person as person
    where person.source = any(%(whole)s)
    union all
    select
        person.source, person._id, person.reported, person.died_on, person.died_at, person.is_patient, person.is_deceased
    from pg_temp.now_person as person
    where person.source <> all(%(whole)s)
),

-- each person now and before the run, or at the time of the removal
state as (
    select
        now.uuid is not null as is_there,
        case when (now.uuid is null) <> (was.uuid is null) then removed.removed_at end as removed_at,
        now.registered,
        coalesce(was.registered, removed.registered) as was_registered,
        (now.registered, now.is_patient) is distinct from (
            coalesce(was.registered, removed.registered), coalesce(was.is_patient, removed.is_patient)
        ) as is_registered_otherwise,
        -- somewhere on earth, a day begins fourteen hours before it does in UTC
        case when now.is_deceased then
            coalesce(now.died_on::timestamp at time zone 'UTC' - interval '14 hours', now.died_at)
        end as died,
        case when coalesce(was.is_deceased, removed.is_deceased) then
            coalesce(
                coalesce(was.died_on, removed.died_on)::timestamp at time zone 'UTC' - interval '14 hours',
                was.died_at,
                removed.died_at
            )
        end as was_died
    from now
    full join pg_temp.past_person as was on was.source = now.source and was.uuid = now.uuid
    left join history.removed_person as removed
        on removed.source = coalesce(now.source, was.source) and removed.uuid = coalesce(now.uuid, was.uuid)
),

moment as (
    select state.removed_at as at
    from state
    union all
    -- nothing else has changed of a removed person who is kept
    select least(state.registered, state.was_registered)
    from state
    where state.is_registered_otherwise and (state.is_there or state.removed_at is null)
    union all
    select least(state.died, state.was_died)
    from state
    where state.died is distinct from state.was_died and (state.is_there or state.removed_at is null)
)

select min(moment.at)
from moment
