-- One row per area above the household and month with activity in it or below it: how many community health workers were
-- active, and how many households were visited. CHWs and households are counted where they are now.
-- area_uuid: The place's _id; empty for unplaced
-- month: The first day of the month in which the reports were submitted, in the deployment's time zone; null if it cannot be read
-- chws: Persons who are in the area now and have an account in models.chw
-- active_chws: Those of them who submitted a report in the month
-- reports: The number of reports that they submitted
-- households_visited: Households that were visited according to a report of the month, or that such a report's subject lives in
-- complete: false until the first copy of the source is complete
-- key: source, area_uuid, month
-- reads: place_count, contact, person, place, submission_month, user, visit_month
-- every: hour
with worker as materialized (
    select distinct chw.source, chw.uuid, person.area_uuid
    from models.chw as chw
    join models.person_area as person on person.source = chw.source and person.uuid = chw.uuid
),

workers as (
    select above.source, above.area_uuid, count(*) as chws
    from worker
    join models.area_above as above on above.source = worker.source and above.uuid = worker.area_uuid
    group by above.source, above.area_uuid
),

done as (
    select worker.source, worker.area_uuid, submitted.month, count(*) as chws, sum(submitted.reports) as reports,
        0 as households
    from worker
    join models.submission_month as submitted
        on submitted.source = worker.source and submitted.contact_uuid = worker.uuid
    group by worker.source, worker.area_uuid, submitted.month
    union all
    select visited.source, place.area_uuid, visited.month, 0 as chws, 0 as reports, count(*) as households
    from models.visit_month as visited
    join models.place_area as place on place.source = visited.source and place.uuid = visited.place_uuid
    where place.household
    group by visited.source, place.area_uuid, visited.month
)

select
    above.source,
    above.area_uuid,
    nullif(done.month, '-infinity') as month,
    coalesce(workers.chws, 0) as chws,
    sum(done.chws)::bigint as active_chws,
    sum(done.reports)::bigint as reports,
    sum(done.households)::bigint as households_visited,
    noted.caught_up_at is not null as complete
from done
join models.area_above as above on above.source = done.source and above.uuid = done.area_uuid
left join workers on workers.source = above.source and workers.area_uuid = above.area_uuid
left join ops.model_source as noted on noted.source = above.source
group by above.source, above.area_uuid, done.month, workers.chws, noted.caught_up_at
