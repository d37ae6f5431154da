-- One row per area above the household, of every level, and one per source with an empty area_uuid. The empty one has the
-- persons in no place. Its totals also have the persons in a household that is in no area.
-- area_uuid: The place's _id; empty for unplaced
-- name: The area's name
-- contact_type: The area's type
-- level: 1 at the top, 2 below that …, counting the households between; 0 for unplaced
-- parent_uuid: The nearest area above it, in whose totals it is counted; null if there is none
-- parent_name: The name of that area
-- direct_persons: Persons whose parent is this area
-- total_persons: Persons in this area and in everything below it
-- direct_persons_active, total_persons_active: Those of them who are neither deceased nor muted
-- direct_persons_muted, total_persons_muted: Those of them who are alive, and are muted or below a muted place
-- direct_persons_deceased, total_persons_deceased: Those of them who are deceased
-- direct_patients, total_patients: Those of them who have a patient_id
-- direct_patients_active, total_patients_active: Those of these patients who are neither deceased nor muted
-- direct_patients_muted, total_patients_muted: Those of these patients who are alive, and are muted or below a muted place
-- direct_patients_deceased, total_patients_deceased: Those of these patients who are deceased
-- complete: false until the first copy of the source is complete
-- key: source, area_uuid
-- reads: place_count
with unplaced as (
    select
        outside.source,
        sum(outside.sign * place.total_persons) as total_persons,
        sum(outside.sign * place.total_persons_active) as total_persons_active,
        sum(outside.sign * place.total_persons_muted) as total_persons_muted,
        sum(outside.sign * place.total_persons_deceased) as total_persons_deceased,
        sum(outside.sign * place.total_patients) as total_patients,
        sum(outside.sign * place.total_patients_active) as total_patients_active,
        sum(outside.sign * place.total_patients_muted) as total_patients_muted,
        sum(outside.sign * place.total_patients_deceased) as total_patients_deceased
    from models.outside as outside
    cross join lateral (
        select area.*
        from models.area_count as area
        where area.source = outside.source and area.area_uuid = outside.place_uuid
        offset 0
    ) as place
    group by outside.source
)

select
    area.source,
    area.area_uuid,
    area.name,
    area.contact_type,
    area.level,
    above.parent_uuid,
    above.parent_name,
    area.direct_persons,
    area.direct_persons_active,
    area.direct_persons_muted,
    area.direct_persons_deceased,
    area.direct_patients,
    area.direct_patients_active,
    area.direct_patients_muted,
    area.direct_patients_deceased,
    coalesce(unplaced.total_persons, area.total_persons)::bigint as total_persons,
    coalesce(unplaced.total_persons_active, area.total_persons_active)::bigint as total_persons_active,
    coalesce(unplaced.total_persons_muted, area.total_persons_muted)::bigint as total_persons_muted,
    coalesce(unplaced.total_persons_deceased, area.total_persons_deceased)::bigint as total_persons_deceased,
    coalesce(unplaced.total_patients, area.total_patients)::bigint as total_patients,
    coalesce(unplaced.total_patients_active, area.total_patients_active)::bigint as total_patients_active,
    coalesce(unplaced.total_patients_muted, area.total_patients_muted)::bigint as total_patients_muted,
    coalesce(unplaced.total_patients_deceased, area.total_patients_deceased)::bigint as total_patients_deceased,
    area.complete
from models.area_count as area
left join models.area_parent as above on above.source = area.source and above.uuid = area.area_uuid
left join unplaced on unplaced.source = area.source and area.area_uuid = ''
where not area.household
