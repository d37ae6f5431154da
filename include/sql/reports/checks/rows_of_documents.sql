-- No model has a row of a document that is not staged.
-- level: fail
-- every: day
-- repair: Trigger cht_marts with the source under Remodel
with kept as (
    select contact.source, contact._id, 'contact' as model from models.contact as contact
    union all
    select person.source, person._id, 'person' from models.person as person
    union all
    select place.source, place._id, 'place' from models.place as place
    union all
    select patient.source, patient._id, 'patient' from models.patient as patient
    union all
    select record.source, record._id, 'data_record' from models.data_record as record
    union all
    select report.source, report._id, 'report' from models.report as report
    union all
    select account.source, account._id, 'user' from models.user as account
    union all
    select task.source, task._id, 'task' from models.task as task
    union all
    select target.source, target._id, 'target' from models.target as target
    union all
    select telemetry.source, telemetry._id, 'telemetry' from models.telemetry as telemetry
    union all
    select device.source, device._id, 'telemetry_devices' from models.telemetry_devices as device
    union all
    select feedback.source, feedback._id, 'feedback' from models.feedback as feedback
)

select kept.source, null as area_uuid, kept.model || ' has a document that is not staged' as problem
from kept
where not exists (
    select from staging.document as document where document.source = kept.source and document._id = kept._id
)
