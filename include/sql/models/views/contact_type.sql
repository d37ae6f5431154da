-- One row per contact type: those that a source's settings configure, and others that its contacts have.
-- id: The id of the type
-- person: Whether its contacts are persons
-- configured: Whether the settings have it
-- household: Whether its places are households
-- reads: configured_type, contact
select
    type.source,
    type.id,
    type.person,
    true as configured,
    type.household
from models.configured_type as type
union all
select
    contact.source,
    contact.contact_type as id,
    contact.is_person as person,
    false as configured,
    bool_or(coalesce(place.household, false)) as household
from models.contact as contact
left join models.place as place on place.source = contact.source and place._id = contact._id
where not contact.configured and contact.contact_type is not null
group by contact.source, contact.contact_type, contact.is_person
