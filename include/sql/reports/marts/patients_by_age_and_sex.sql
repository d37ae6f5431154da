-- One row per area above the household, sex and age band with somebody alive in it, muted or not; zeros have no row. The empty
-- area_uuid has the persons in no place. Its totals also have the persons in a household that is in no area.
-- area_uuid: The place's _id; empty for unplaced
-- name: The area's name
-- contact_type: The area's type
-- level: 1 at the top, 2 below that …, counting the households between; 0 for unplaced
-- parent_uuid: The nearest area above it, in whose totals it is counted; null if there is none
-- parent_name: The name of that area
-- sex: female, male, other or unknown: sex_group of models.person
-- band: The age band, in full years: 0, 1 to 4, 5 to 9, 10 to 14, 15 to 49, 50 and over, or unknown
-- age_from: The first age of the band; null if it is unknown
-- direct_persons: Persons whose parent is this area
-- direct_patients: Those of them who have a patient_id
-- total_persons: Persons in this area and in everything below it
-- total_patients: Those of them who have a patient_id
-- as_of: The day on which they have these ages, in the deployment's time zone
-- complete: false until the first copy of the source is complete
-- key: source, area_uuid, sex, band
-- reads: place_count, place_band_count
-- every: hour
with unplaced as (
    select
        band.source,
        band.sex,
        band.band,
        band.age_from,
        coalesce(sum(band.direct_persons) filter (where band.area_uuid = ''), 0)::bigint as direct_persons,
        coalesce(sum(band.direct_patients) filter (where band.area_uuid = ''), 0)::bigint as direct_patients,
        sum(outside.sign * band.total_persons)::bigint as total_persons,
        sum(outside.sign * band.total_patients)::bigint as total_patients,
        band.as_of,
        band.complete
    from models.outside as outside
    join models.area_band as band on band.source = outside.source and band.area_uuid = outside.place_uuid
    group by band.source, band.sex, band.band, band.age_from, band.as_of, band.complete
    having sum(outside.sign * band.total_persons) > 0
)

select
    area.source,
    area.area_uuid,
    area.name,
    area.contact_type,
    area.level,
    above.parent_uuid,
    above.parent_name,
    counted.sex,
    counted.band,
    counted.age_from,
    counted.direct_persons,
    counted.direct_patients,
    counted.total_persons,
    counted.total_patients,
    counted.as_of,
    counted.complete
from models.area_count as area
join models.area_band as counted on counted.source = area.source and counted.area_uuid = area.area_uuid
left join models.area_parent as above on above.source = area.source and above.uuid = area.area_uuid
where not area.household and area.area_uuid <> ''
union all
select
    area.source,
    area.area_uuid,
    area.name,
    area.contact_type,
    area.level,
    null as parent_uuid,
    null as parent_name,
    unplaced.sex,
    unplaced.band,
    unplaced.age_from,
    unplaced.direct_persons,
    unplaced.direct_patients,
    unplaced.total_persons,
    unplaced.total_patients,
    unplaced.as_of,
    unplaced.complete
from unplaced
join models.area_count as area on area.source = unplaced.source and area.area_uuid = ''
