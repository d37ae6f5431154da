-- Each live document is in the models of its type, in its staged revision. No other document is in a model.
-- level: fail
-- every: run
-- reads: contact, data_record, feedback, patient, person, place, report, target, task, telemetry, telemetry_devices, user
-- repair: Trigger cht_marts with the source under Remodel
with held as (
    select
        document.source,
        document._id,
        document.saved_timestamp,
        -- the type first: cht.is_main takes longer
        document.is_live and document.type in ('contact', 'district_hospital', 'health_center', 'clinic', 'person')
            and cht.is_main(document.source) as is_contact,
        document.is_live and document.type = 'data_record' and cht.is_main(document.source) as is_record,
        document.is_live and document.type = 'user-settings' and cht.is_main(document.source) as is_user,
        document.is_live and document.type = 'task' and cht.is_main(document.source) as is_task,
        document.is_live and document.type = 'target' and cht.is_main(document.source) as is_target,
        document.is_live and document.type = 'telemetry' as is_telemetry,
        document.is_live and document.type = 'feedback' as is_feedback
    from document
),

-- a document may have no target at all
aimed as (
    select held.source, held._id
    from held
    join staging.document as document on document.source = held.source and document._id = held._id
    where held.is_target and exists (
        select
        from jsonb_path_query(document.doc, 'strict $.targets[*] ? (@.id != "")', silent => true) as target (value)
        where cht.key(cht.string(target.value -> 'id')) is not null
    )
),

-- what should be in each model, and the time at which the revision in it was saved
compared as (
    select held.source, 'contact' as model, held.is_contact as should, held.saved_timestamp, kept.saved_timestamp as kept
    from held
    left join models.contact as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'person', held.is_contact and contact.is_person, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.contact as contact on contact.source = held.source and contact._id = held._id
    left join models.person as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'place', held.is_contact and not contact.is_person, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.contact as contact on contact.source = held.source and contact._id = held._id
    left join models.place as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'patient', held.is_contact and person.is_patient, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.person as person on person.source = held.source and person._id = held._id
    left join models.patient as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'data_record', held.is_record, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.data_record as kept on kept.source = held.source and kept._id = held._id
    union all
    select
        held.source, 'report', held.is_record and record.form is not null, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.data_record as record on record.source = held.source and record._id = held._id
    left join models.report as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'user', held.is_user, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.user as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'task', held.is_task, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.task as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'target', aimed._id is not null, held.saved_timestamp, kept.saved_timestamp
    from held
    left join aimed on aimed.source = held.source and aimed._id = held._id
    left join models.target as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'telemetry', held.is_telemetry, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.telemetry as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'telemetry_devices', held.is_telemetry, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.telemetry_devices as kept on kept.source = held.source and kept._id = held._id
    union all
    select held.source, 'feedback', held.is_feedback, held.saved_timestamp, kept.saved_timestamp
    from held
    left join models.feedback as kept on kept.source = held.source and kept._id = held._id
)

select
    compared.source,
    null as area_uuid,
    compared.model || case
        when compared.kept is null then ' lacks a document'
        when not coalesce(compared.should, false) then ' has a document that belongs elsewhere, or is gone'
        else ' has another revision'
    end as problem
from compared
where coalesce(compared.should, false) <> (compared.kept is not null)
    or (compared.kept is not null and compared.kept <> compared.saved_timestamp)
