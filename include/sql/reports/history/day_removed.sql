-- One row per removed person, with the nearest place that still exists of those that were above; '' if there is none.
-- key: source, uuid
create temporary table day_removed on commit drop as
select
    kept.source,
    kept.uuid,
    coalesce(nearest.place, '') collate "C" as place,
    kept.registered,
    kept.died_on,
    kept.died_at,
    kept.is_patient,
    kept.is_deceased,
    (kept.removed_at at time zone %(timezone)s)::date as removed_on
from history.removed_person as kept
left join lateral (
    select place.area_uuid as place
    from unnest(kept.lineage) with ordinality as above (area, position)
    join model_data.place_count as place
        on place.source = kept.source and place.area_uuid = above.area collate "C"
    order by above.position
    limit 1
) as nearest on true
