-- Every live place has its row of counts, and every row of counts has its live place.
-- level: fail
-- every: day
-- reads: place_count, place
-- repair: Trigger cht_marts with the source under Recount
with known as (
    select place.source, place._id as area_uuid
    from models.place as place
    union all
    select distinct counted.source, '' as area_uuid
    from model_data.place_count as counted
)

select
    coalesce(known.source, kept.source) as source,
    coalesce(known.area_uuid, kept.area_uuid) as area_uuid,
    case when kept.source is null then 'a place without counts' else 'counts without a place' end as problem
from known
full join model_data.place_count as kept on kept.source = known.source and kept.area_uuid = known.area_uuid
where known.source is null or kept.source is null
