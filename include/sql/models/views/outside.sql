-- One row per place that makes up the total of unplaced above the household: the sum of `sign` times the total of each of
-- them. They are the empty place and the households with nothing above them, without the areas in these households.
-- place_uuid: The place's _id; empty for persons in no place
-- sign: 1, or -1 for an area below such a household, since it has a row of its own
-- after: place_area
-- reads: place_count
select place.source, place.area_uuid as place_uuid, 1 as sign
from model_data.place_count as place
where place.area_uuid = '' or (place.household and place.effective_parent is null)
union all
select area.source, area.area_uuid as place_uuid, -1 as sign
from model_data.place_count as area
-- looked up by key: there are few areas, and most of them are not in a household
cross join lateral (
    select above.area_uuid
    from model_data.place_count as above
    where above.source = area.source and above.area_uuid = area.effective_parent and above.household
    offset 0
) as household
cross join lateral (
    select from models.place_area as above
    where above.source = area.source and above.uuid = household.area_uuid and above.area_uuid = ''
    offset 0
) as above
where not area.household
