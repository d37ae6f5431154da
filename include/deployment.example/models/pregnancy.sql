-- One row a report of a pregnancy.
-- reported: When it was submitted
-- subject_uuid: The woman; null until her document has been copied
-- area_uuid: The area of the submitter at that time
-- lmp_on: The first day of the last menstruation; null if it cannot be read
-- is_risky: Whether a danger sign was reported
-- key: source, _id
-- index: source, subject_uuid
-- after: report
select
    report.source,
    report._id,
    report.uuid,
    report.saved_timestamp,
    report.reported,
    report.subject_uuid,
    report.parent_uuid as area_uuid,
    cht.day(doc.fields -> 'lmp_date_8601') as lmp_on,
    coalesce(doc.fields ->> 't_danger_signs_referral_follow_up' = 'yes', false) as is_risky
from document
join models.report as report on report.source = document.source and report._id = document._id
cross join lateral jsonb_to_record(document.doc) as doc (fields jsonb)
where report.form = 'pregnancy'
