-- One row an area above the household and each such area in whose totals it is: itself, too. What is kept by the nearest area
-- comes to the totals of all by it. And one a source with twice an empty uuid, for unplaced.
-- uuid: The area; empty for unplaced
-- area_uuid: The area itself, or one above it
-- after: area_parent
-- reads: place_count
with recursive above as (
    select area.source, area.area_uuid as uuid, area.area_uuid
    from model_data.place_count as area
    where not area.household
    -- it ends even where what is kept goes round
    union
    select above.source, above.uuid, parent.parent_uuid
    from above
    join models.area_parent as parent on parent.source = above.source and parent.uuid = above.area_uuid
)

select above.source, above.uuid, above.area_uuid
from above
