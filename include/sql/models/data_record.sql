-- One row a report, or an SMS message (those have no form).
-- patient_id: the subject, a short code or a uuid; contact_uuid: the submitter, then the places above as they were then.
-- key: source, _id
-- index: source, reported
-- index: source, patient_id
select
    document.source,
    document._id,
    document._id as uuid,
    document.saved_timestamp,
    cht.instant(doc.reported_date) as reported,
    cht.key(nullif(doc.form, '')) collate "C" as form,
    doc."from" as from_phone,
    cht.key(coalesce(
        cht.code(doc.patient_id), cht.code(doc.fields -> 'patient_id'), cht.code(doc.fields -> 'patient_uuid')
    )) collate "C" as patient_id,
    cht.key(coalesce(cht.code(doc.place_id), cht.code(doc.fields -> 'place_id'))) collate "C" as place_id,
    cht.reference(doc.contact) collate "C" as contact_uuid,
    cht.reference(doc.contact -> 'parent') collate "C" as parent_uuid,
    cht.reference(doc.contact -> 'parent' -> 'parent') collate "C" as grandparent_uuid,
    cht.key(cht.code(doc.fields -> 'patient_uuid')) collate "C" as patient_uuid
from document
cross join lateral jsonb_to_record(document.doc) as doc (
    reported_date jsonb, form text, "from" text, patient_id jsonb, place_id jsonb, fields jsonb, contact jsonb
)
where document.type = 'data_record' and cht.is_main(document.source)
