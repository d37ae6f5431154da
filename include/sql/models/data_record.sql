-- One row a report, or an SMS message, which has no form.
-- reported: When it was submitted, by the device's clock; null where that can't be read
-- form: The form's code; null for a message
-- from_phone: The sender's number
-- patient_id: Whom it is about, a short code or a uuid: patient_id, else fields.patient_id, else fields.patient_uuid
-- place_id: The place that it is about: place_id, else fields.place_id
-- contact_uuid: Who submitted it
-- parent_uuid, grandparent_uuid: Where the submitter was then, and what was above that
-- patient_uuid: fields.patient_uuid
-- key: source, _id
-- index: source, patient_id
-- index: source, patient_uuid
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
