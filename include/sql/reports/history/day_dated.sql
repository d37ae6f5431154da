-- The persons who exist now, and were registered or died from the first day to the last. area_day.sql reads it, as it reads
-- day_stock.
create temporary table day_dated on commit drop as
select
    person.source,
    case when orphan.uuid is null then coalesce(person.parent_uuid, '') else coalesce(orphan.effective_parent, '') end
        as place,
    person.reported as registered,
    person.died_on,
    person.died_at,
    person.is_patient,
    person.is_deceased
from models.person as person
left join model_data.orphan as orphan on orphan.source = person.source and orphan.uuid = person._id
where (
        person.reported >= %(first)s::date::timestamp at time zone %(timezone)s
        and person.reported < (%(last)s::date + 1)::timestamp at time zone %(timezone)s
    )
    or person.died_on between %(first)s::date and %(last)s::date
    or (
        person.died_at >= %(first)s::date::timestamp at time zone %(timezone)s
        and person.died_at < (%(last)s::date + 1)::timestamp at time zone %(timezone)s
    )
