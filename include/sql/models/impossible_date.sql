-- One row a contact or report with a date that can't be: before 1900, or more than a day after it was copied. One that can't be
-- read at all is none.
-- is_report: Whether it is a report or a message; else it is a contact
-- reported: That it was reported then
-- born: That the person was born then
-- died: That the person died then
-- died_before_birth: That the person died before being born, by more than a day
-- key: source, _id
-- after: data_record, person
with contact as (
    select
        contact.source,
        contact._id,
        contact.saved_timestamp,
        contact.reported,
        person.born_on::timestamp at time zone 'UTC' as born,
        coalesce(person.died_on::timestamp at time zone 'UTC', person.died_at) as died
    from document
    join models.contact as contact on contact.source = document.source and contact._id = document._id
    left join models.person as person on person.source = contact.source and person._id = contact._id
),

dated as (
    select
        contact.source,
        contact._id,
        false as is_report,
        cht.is_impossible(contact.reported, contact.saved_timestamp) as reported,
        cht.is_impossible(contact.born, contact.saved_timestamp) as born,
        cht.is_impossible(contact.died, contact.saved_timestamp) as died,
        coalesce(contact.died < contact.born - interval '1 day', false) as died_before_birth
    from contact
    union all
    select
        record.source,
        record._id,
        true as is_report,
        cht.is_impossible(record.reported, record.saved_timestamp) as reported,
        false as born,
        false as died,
        false as died_before_birth
    from document
    join models.data_record as record on record.source = document.source and record._id = document._id
    where document.type = 'data_record'
)

select
    dated.source,
    dated._id,
    dated._id as uuid,
    dated.is_report,
    dated.reported,
    dated.born,
    dated.died,
    dated.died_before_birth
from dated
where dated.reported or dated.born or dated.died or dated.died_before_birth
