-- One row per person, with the place and the area that count the person.
-- place_uuid: The place in whose totals the person is: the parent, unless the person is an orphan; empty if there is none
-- area_uuid: The nearest area above the household; empty if there is none
-- after: place_area
-- reads: place_count
select
    person.source,
    person.uuid,
    person.place as place_uuid,
    coalesce(place.area_uuid, '') collate "C" as area_uuid
from model_data.counted_person as person
left join models.place_area as place on place.source = person.source and place.uuid = person.place
