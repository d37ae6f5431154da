-- One row per event of a person from the first day to the last, for area_day.sql: what it adds to the numbers of that day, in
-- the place in which the person is counted. It reads day_dated and day_removed.
-- persons, patients, deceased: Added to the stock from that day on
-- registered, died, removed: Of the day
create temporary table day_happened on commit drop as
with span as (
    select
        %(first)s::date as first,
        %(last)s::date as last,
        %(first)s::date::timestamp at time zone %(timezone)s as starts,
        (%(last)s::date + 1)::timestamp at time zone %(timezone)s as ends
),

-- to whom something happens on these days
dated as (
    select
        known.source,
        known.place,
        (known.registered at time zone %(timezone)s)::date as registered_on,
        coalesce(known.died_on, (known.died_at at time zone %(timezone)s)::date) as died_on,
        known.is_patient::int as patients,
        known.is_deceased,
        known.removed_on
    from (
        select
            person.source, person.place, person.registered, person.died_on, person.died_at, person.is_patient,
            person.is_deceased, null::date as removed_on
        from pg_temp.day_dated as person
        union all
        select
            removed.source, removed.place, removed.registered, removed.died_on, removed.died_at, removed.is_patient,
            removed.is_deceased, removed.removed_on
        from pg_temp.day_removed as removed
        cross join span
        where (removed.registered >= span.starts and removed.registered < span.ends)
            or removed.died_on between span.first and span.last
            or (removed.died_at >= span.starts and removed.died_at < span.ends)
            or removed.removed_on between span.first and span.last
    ) as known
)

select event.source, event.place, event.day, event.persons, event.patients, event.deceased, event.registered, event.died,
    event.removed
from dated
cross join span
cross join lateral (
    select dated.registered_on as day, 1 as persons, dated.patients, 0 as deceased, 1 as registered, 0 as died,
        0 as removed
    union all
    -- in the stock from the later of the two days on
    select greatest(dated.registered_on, dated.died_on), 0, 0, 1, 0, 0, 0
    where dated.is_deceased
    union all
    select dated.died_on, 0, 0, 0, 0, 1, 0
    where dated.is_deceased
    union all
    select
        dated.removed_on, -1, -dated.patients,
        case when dated.is_deceased
            and coalesce(greatest(dated.registered_on, dated.died_on) <= dated.removed_on, true) then -1 else 0 end,
        0, 0, 1
    -- a person who was to come later than that was never counted
    where coalesce(dated.registered_on <= dated.removed_on, true)
) as change (day, persons, patients, deceased, registered, died, removed)
cross join lateral (select dated.source, dated.place, change.*) as event
-- nothing happens to a person who is removed already; `between` also leaves out what has no day
where event.day between span.first and span.last and event.day <= coalesce(dated.removed_on, event.day)
