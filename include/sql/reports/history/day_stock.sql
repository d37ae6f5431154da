-- The number of persons who are there now and were registered before the first day, by the place in which they are counted. A
-- household stands for the place above it ('' is none), so there are few groups. The statement is apart from area_day.sql,
-- since Postgres uses parallel workers only for a statement that reads.
create temporary table day_stock on commit drop as
select
    person.source,
    person.place,
    count(*) as persons,
    count(*) filter (where person.is_patient) as patients,
    count(*) filter (where person.had_died) as deceased
from (
    select
        person.source,
        case when place.household then coalesce(place.effective_parent, '') else counted.place end as place,
        person.is_patient,
        person.is_deceased and coalesce(
            person.died_on < %(first)s::date,
            person.died_at < %(first)s::date::timestamp at time zone %(timezone)s,
            true
        ) as had_died
    from models.person as person
    left join model_data.orphan as orphan on orphan.source = person.source and orphan.uuid = person._id
    cross join lateral (
        select case when orphan.uuid is null then coalesce(person.parent_uuid, '')
            else coalesce(orphan.effective_parent, '') end
    ) as counted (place)
    left join model_data.place_count as place on place.source = person.source and place.area_uuid = counted.place
    where person.reported is null or person.reported < %(first)s::date::timestamp at time zone %(timezone)s
    -- The planner cannot see how `place` is computed, and expects few groups. So each worker aggregates its own rows,
    -- instead of one process all of them. A bare 0 would be cast to bigint, which prevents parallel workers.
    offset '0'::bigint
) as person
group by person.source, person.place
