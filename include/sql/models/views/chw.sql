-- One row per account of a community health worker: a user whose contact is in a place that has households directly in it.
-- user_id: The account: org.couchdb.user: and the login
-- uuid: The person's _id; one person may have several accounts
-- name: The person's name
-- phone: The person's phone number
-- area_uuid: The place that the person is in
-- area_name: The name of that place
-- area_type: The type of that place
-- roles: A JSON array as text
-- households: The number of households directly in that place
-- last_reported: When the person last submitted a report, by the device's clock; null if there is none
-- reads: user, person, contact, place, report
select
    account.source,
    account.user_id,
    person.uuid,
    person.name,
    person.phone,
    person.parent_uuid as area_uuid,
    area.name as area_name,
    area.contact_type as area_type,
    account.roles,
    below.households,
    last.reported as last_reported
from models.user as account
join models.person as person on person.source = account.source and person._id = account.contact_id
join models.place as area on area.source = person.source and area._id = person.parent_uuid
cross join lateral (
    select count(*) as households
    from models.contact as child
    join models.place as place on place.source = child.source and place._id = child._id
    where child.source = area.source and child.parent_uuid = area._id and place.household
) as below
left join lateral (
    select max(report.reported) as reported
    from models.report as report
    where report.source = person.source and report.contact_uuid = person._id
) as last on true
where below.households > 0
