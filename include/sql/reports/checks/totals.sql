-- The totals of the top areas and of unplaced add up to all persons of a source, and to all patients.
-- level: fail
-- every: hour
-- reads: place_count, person
-- repair: Trigger cht_marts with the source under Recount
with counted as (
    select top.source, sum(top.total_persons) as persons, sum(top.total_patients) as patients
    from models.area_count as top
    where top.effective_parent is null
    group by top.source
),

there as (
    select person.source, count(*) as persons, count(*) filter (where person.is_patient) as patients
    from models.person as person
    group by person.source
)

select
    coalesce(counted.source, there.source) as source,
    null as area_uuid,
    'the top areas and unplaced do not add up to all' as problem
from counted
full join there on there.source = counted.source
where (coalesce(counted.persons, 0), coalesce(counted.patients, 0))
    is distinct from (coalesce(there.persons, 0), coalesce(there.patients, 0))
