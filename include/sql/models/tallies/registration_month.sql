-- One row per area above the household and month: the persons in it who were registered in that month.
-- area_uuid: The nearest area above the household in which they are counted now; empty if there is none
-- month: The first day of the month of reported, in the deployment's time zone; -infinity if it cannot be read
-- persons: The number of persons
-- patients: The number of them with a patient_id
-- of: person
-- key: source, area_uuid, month
-- reads: person_area, place_area
-- moved:
--   select moved.source, moved.uuid
--   from moved
select
    person.source,
    coalesce(counted.area_uuid, '') collate "C" as area_uuid,
    cht.month(person.reported, deployment.timezone) as month,
    count(*)::int as persons,
    (count(*) filter (where person.is_patient))::int as patients
from tallied as person
cross join ops.deployment
left join models.person_area as counted on counted.source = person.source and counted.uuid = person._id
group by 1, 2, 3
