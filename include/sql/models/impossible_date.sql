-- One row per contact or report with an impossible date or an unreadable one. A date is impossible if it is before 1900, or
-- more than a day after the document was copied.
-- is_report: Whether it is a report or a message; else it is a contact
-- reported: Whether its reported_date is impossible
-- born: Whether the person's date of birth is impossible
-- died: Whether the person's date of death is impossible
-- died_before_birth: Whether the person died more than a day before being born
-- unreadable: Whether one of these dates has a value that cannot be read
-- key: source, _id
-- after: data_record, person
with contact as (
    select
        contact.source,
        contact._id,
        contact.saved_timestamp,
        contact.reported,
        person.born_on::timestamp at time zone 'UTC' as born,
        coalesce(person.died_on::timestamp at time zone 'UTC', person.died_at) as died,
        person.born_on is null and person._id is not null and (
            cht.is_given(document.doc -> 'date_of_birth') or cht.is_given(document.doc -> 'dob_iso')
            or cht.is_given(document.doc #> '{ephemeral_dob,dob_iso}')
        ) as unreadable_birth,
        coalesce(person.is_deceased, false) as is_deceased,
        contact.reported is null and cht.is_given(document.doc -> 'reported_date') as unreadable
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
        coalesce(contact.died < contact.born - interval '1 day', false) as died_before_birth,
        contact.unreadable or contact.unreadable_birth or (contact.is_deceased and contact.died is null) as unreadable
    from contact
    union all
    select
        record.source,
        record._id,
        true as is_report,
        cht.is_impossible(record.reported, record.saved_timestamp) as reported,
        false as born,
        false as died,
        false as died_before_birth,
        record.reported is null and cht.is_given(document.doc -> 'reported_date') as unreadable
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
    dated.died_before_birth,
    dated.unreadable
from dated
where dated.reported or dated.born or dated.died or dated.died_before_birth or dated.unreadable
