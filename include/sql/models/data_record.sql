-- One row per report or SMS message; a message has no form.
-- reported: When it was submitted, by the device's clock; null if it cannot be read
-- form: The form's code; null for a message
-- from_phone: The sender's number
-- patient_id: Its subject, a short code or a uuid: patient_id, else fields.patient_id, else fields.patient_uuid
-- place_id: The place that it is about: place_id, else fields.place_id
-- contact_uuid: The submitter
-- parent_uuid: The submitter's place at that time
-- grandparent_uuid: The place above that one
-- patient_uuid: fields.patient_uuid
-- key: source, _id
-- index: source, patient_id
-- index: source, patient_uuid
select
    filled.source,
    filled._id,
    filled._id as uuid,
    filled.saved_timestamp,
    cht.instant(filled.reported_date) as reported,
    cht.key(nullif(filled.form, '')) collate "C" as form,
    filled.from_phone,
    cht.key(filled.patient_id) collate "C" as patient_id,
    cht.key(filled.place_id) collate "C" as place_id,
    cht.reference(filled.contact) collate "C" as contact_uuid,
    cht.reference(filled.parent) collate "C" as parent_uuid,
    cht.reference(filled.parent -> 'parent') collate "C" as grandparent_uuid,
    cht.key(filled.patient_uuid) collate "C" as patient_uuid
from (
    -- taken out first: the casts above ask for each several times
    select
        document.source,
        document._id,
        document.saved_timestamp,
        doc.reported_date,
        doc.form,
        doc."from" as from_phone,
        coalesce(
            cht.code(doc.patient_id), cht.code(doc.fields -> 'patient_id'), cht.code(doc.fields -> 'patient_uuid')
        ) as patient_id,
        coalesce(cht.code(doc.place_id), cht.code(doc.fields -> 'place_id')) as place_id,
        doc.contact,
        doc.contact -> 'parent' as parent,
        cht.code(doc.fields -> 'patient_uuid') as patient_uuid
    from document
    cross join lateral jsonb_to_record(document.doc) as doc (
        reported_date jsonb, form text, "from" text, patient_id jsonb, place_id jsonb, fields jsonb, contact jsonb
    )
    where document.type = 'data_record' and document.is_main
    offset 0
) as filled
