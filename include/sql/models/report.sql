-- One row per report: a data_record with a form, and its subject.
-- reported, form: As in models.data_record
-- subject_uuid: The person whom it is about, found by patient_uuid, else by patient_id, which is a uuid or a short code. If two persons share a code, it is the smallest _id. Null until that person has been copied
-- patient_id: The id or code by which it names its subject, as in models.data_record
-- contact_uuid: The submitter
-- parent_uuid: The submitter's place at that time
-- visited_uuid: The contact that was visited, usually a household, if the form has one
-- is_valid: false if the server found errors in it, such as an unknown short code
-- latitude, longitude: Where it was filled in, in degrees; null if the device did not know
-- key: source, _id
-- index: source, reported
-- index: source, subject_uuid
-- index: source, contact_uuid, reported
-- after: data_record, person
-- affected:
--   with coming as (
--       select changed.source, changed._id, person._id is not null as is_there, person.patient_id
--       from changed
--       left join was_person as was on was.source = changed.source and was._id = changed._id
--       left join models.person as person on person.source = changed.source and person._id = changed._id
--       where (was._id, was.patient_id) is distinct from (person._id, person.patient_id)
--   ),
--   named as (
--       select person.source, person._id as person, record._id
--       from coming as person
--       cross join lateral (
--           select by_uuid._id
--           from models.data_record as by_uuid
--           where by_uuid.source = person.source and by_uuid.patient_uuid = person._id and by_uuid.form is not null
--           union
--           select by_code._id
--           from models.data_record as by_code
--           where by_code.source = person.source and by_code.patient_id in (person._id, person.patient_id)
--               and by_code.form is not null
--       ) as record
--       where person.is_there
--   ),
--   subject as (
--       select report.source, report.subject_uuid as person, report._id
--       from coming as person
--       join models.report as report on report.source = person.source and report.subject_uuid = person._id
--   )
--   select other.source, other._id
--   from ((table named except table subject) union all (table subject except table named)) as other
select
    record.source,
    record._id,
    record.uuid,
    record.saved_timestamp,
    record.reported,
    record.form,
    coalesce(named._id, subject._id, coded._id) as subject_uuid,
    record.patient_id,
    record.contact_uuid,
    record.parent_uuid,
    filled.visited_uuid,
    filled.is_valid,
    filled.latitude,
    filled.longitude
from (
    -- taken out first, so that whole documents need not pass through the joins
    select
        document.source,
        document._id,
        cht.key(nullif(cht.string(doc.fields -> 'visited_contact_uuid'), '')) collate "C" as visited_uuid,
        coalesce(doc.errors in ('[]'::jsonb, 'null'::jsonb), true) as is_valid,
        cht.number(doc.geolocation -> 'latitude') as latitude,
        cht.number(doc.geolocation -> 'longitude') as longitude
    from document
    -- once a document: each of its parts is asked for several times
    cross join lateral jsonb_to_record(document.doc) as doc (fields jsonb, errors jsonb, geolocation jsonb)
    where document.type = 'data_record'
    offset 0
) as filled
join models.data_record as record on record.source = filled.source and record._id = filled._id
left join models.person as named on named.source = record.source and named._id = record.patient_uuid
left join models.person as subject on subject.source = record.source and subject._id = record.patient_id
left join lateral (
    select min(person._id) as _id
    from models.person as person
    where named._id is null and subject._id is null
      and person.source = record.source and person.patient_id = record.patient_id
) as coded on true
where record.form is not null
