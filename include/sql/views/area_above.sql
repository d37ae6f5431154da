-- One row an area above the household and each such area in whose totals it is: itself, too. What is kept by the nearest area
-- comes to the totals of all by it. And one a source with twice an empty uuid, for unplaced.
-- uuid: The area; empty for unplaced
-- area_uuid: The area itself, or one above it
-- reads: area_fold
with recursive above as (
    select area.source, area.area_uuid as uuid, area.area_uuid, area.effective_parent as up, area.household
    from model_data.area_fold as area
    where not area.household
    union all
    select above.source, above.uuid, area.area_uuid, area.effective_parent as up, area.household
    from above
    join model_data.area_fold as area on area.source = above.source and area.area_uuid = above.up
)

select above.source, above.uuid, above.area_uuid
from above
where not above.household
