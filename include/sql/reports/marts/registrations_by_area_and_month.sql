-- One row per area above the household and month: the persons in it, and in everything below it, who were registered in that
-- month. They are counted where they are now, and the deceased too. Deleted persons are not counted.
-- area_uuid: The place's _id; empty for unplaced
-- month: The first day of the month of their reported_date, in the deployment's time zone; null if it cannot be read
-- persons: The number of persons
-- patients: The number of them who have a patient_id now
-- complete: false until the first copy of the source is complete
-- key: source, area_uuid, month
-- reads: place_count, registration_month
-- every: hour
select
    above.source,
    above.area_uuid,
    nullif(counted.month, '-infinity') as month,
    sum(counted.persons)::bigint as persons,
    sum(counted.patients)::bigint as patients,
    noted.caught_up_at is not null as complete
from models.registration_month as counted
join models.area_above as above on above.source = counted.source and above.uuid = counted.area_uuid
left join ops.model_source as noted on noted.source = above.source
group by above.source, above.area_uuid, counted.month, noted.caught_up_at
