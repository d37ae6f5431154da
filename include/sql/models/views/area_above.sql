-- One row per area above the household and area whose totals include it, itself among them. A number that is kept by the
-- nearest area is summed into the totals of all areas by it. One more row per source has two empty uuids, for unplaced.
-- uuid: The area; empty for unplaced
-- area_uuid: The area itself, or one above it
-- after: area_parent
-- reads: place_count
with recursive above as (
    select area.source, area.area_uuid as uuid, area.area_uuid
    from model_data.place_count as area
    where not area.household
    -- a union ends even if the kept parents form a circle
    union
    select above.source, above.uuid, parent.parent_uuid
    from above
    join models.area_parent as parent on parent.source = above.source and parent.uuid = above.area_uuid
)

select above.source, above.uuid, above.area_uuid
from above
