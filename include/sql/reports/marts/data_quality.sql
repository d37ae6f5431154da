-- One row per area above the household, and one per source with an empty area_uuid: how many documents in it, and in everything
-- below it, need a look. A document that belongs to nobody in an area is in the empty one.
-- area_uuid: The place's _id; empty for unplaced
-- name: The area's name
-- contact_type: The area's type
-- level: 1 at the top, 2 below that …, counting the households between; 0 for unplaced
-- parent_uuid: The nearest area above it, in whose totals it is counted; null if there is none
-- duplicates: Persons whose short code another person also has
-- orphans: Contacts whose parent is missing, or is not a place
-- in_cycle: Places that are above themselves
-- mismatching_lineages: Contacts whose embedded ancestors differ from those in the current documents, without contacts in or below a cycle
-- impossible_dates: Contacts and reports with a date before 1900 or later than their copy, and persons who died before they were born
-- unreadable_dates: Contacts and reports that have a value for a date that cannot be read as one
-- rejected: Documents of the main database whose latest revision was rejected; those of other databases are in marts.rejected
-- older_revisions: Those of them that are counted in an earlier revision
-- complete: false until the first copy of the source is complete
-- key: source, area_uuid
-- reads: place_count, contact, data_record, duplicate, impossible_date, place, rejected, report
-- every: hour
with recursive walked as (
    -- the ancestors of a place by the current documents; for an orphan, only its own lineage is known
    select place.source, place._id, contact.lineage
    from models.place as place
    join models.contact as contact on contact.source = place.source and contact._id = place._id
    left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid
    where parent._id is null
    union all
    select place.source, place._id, cht.lineage_above(walked._id, walked.lineage) as lineage
    from walked
    join models.place as place on place.source = walked.source and place.parent_uuid = walked._id
),

expected as materialized (
    select walked.source, walked._id as parent_uuid, cht.lineage_above(walked._id, walked.lineage) as lineage
    from walked
),

found as (
    select duplicate.source, duplicate._id as contact, 'duplicate' as what
    from models.duplicate as duplicate
    union all
    select orphan.source, orphan.uuid, 'orphan'
    from models.orphan as orphan
    union all
    select cycle.source, cycle.uuid, 'cycle'
    from models.cycle as cycle
    union all
    select contact.source, contact._id, 'lineage'
    from expected
    join models.contact as contact on contact.source = expected.source and contact.parent_uuid = expected.parent_uuid
    where contact.lineage <> expected.lineage
    union all
    select wrong.source, coalesce(report.subject_uuid, record.contact_uuid, wrong._id), kind.what
    from models.impossible_date as wrong
    cross join lateral (
        select 'impossible' as what where wrong.reported or wrong.born or wrong.died or wrong.died_before_birth
        union all
        select 'unreadable' where wrong.unreadable
    ) as kind
    left join models.data_record as record on record.source = wrong.source and record._id = wrong._id
    left join models.report as report on report.source = wrong.source and report._id = wrong._id
    union all
    select
        rejected.source,
        coalesce(report.subject_uuid, record.contact_uuid, rejected._id),
        case when rejected.counted_rev is null then 'rejected' else 'older' end
    from ops.rejected as rejected
    left join models.data_record as record on record.source = rejected.source and record._id = rejected._id
    left join models.report as report on report.source = rejected.source and report._id = rejected._id
),

placed as (
    select found.source, coalesce(person.area_uuid, place.area_uuid, '') as area_uuid, found.what, count(*) as documents
    from found
    left join models.person_area as person on person.source = found.source and person.uuid = found.contact
    left join models.place_area as place on place.source = found.source and place.uuid = found.contact
    group by found.source, coalesce(person.area_uuid, place.area_uuid, ''), found.what
),

counted as (
    select
        above.source,
        above.area_uuid,
        sum(placed.documents) filter (where placed.what = 'duplicate') as duplicates,
        sum(placed.documents) filter (where placed.what = 'orphan') as orphans,
        sum(placed.documents) filter (where placed.what = 'cycle') as in_cycle,
        sum(placed.documents) filter (where placed.what = 'lineage') as mismatching_lineages,
        sum(placed.documents) filter (where placed.what = 'impossible') as impossible_dates,
        sum(placed.documents) filter (where placed.what = 'unreadable') as unreadable_dates,
        sum(placed.documents) filter (where placed.what in ('rejected', 'older')) as rejected,
        sum(placed.documents) filter (where placed.what = 'older') as older_revisions
    from placed
    join models.area_above as above on above.source = placed.source and above.uuid = placed.area_uuid
    group by above.source, above.area_uuid
)

select
    area.source,
    area.area_uuid,
    area.name,
    area.contact_type,
    area.level,
    above.parent_uuid,
    coalesce(counted.duplicates, 0)::bigint as duplicates,
    coalesce(counted.orphans, 0)::bigint as orphans,
    coalesce(counted.in_cycle, 0)::bigint as in_cycle,
    coalesce(counted.mismatching_lineages, 0)::bigint as mismatching_lineages,
    coalesce(counted.impossible_dates, 0)::bigint as impossible_dates,
    coalesce(counted.unreadable_dates, 0)::bigint as unreadable_dates,
    coalesce(counted.rejected, 0)::bigint as rejected,
    coalesce(counted.older_revisions, 0)::bigint as older_revisions,
    area.complete
from models.area_count as area
left join models.area_parent as above on above.source = area.source and above.uuid = area.area_uuid
left join counted on counted.source = area.source and counted.area_uuid = area.area_uuid
where not area.household
