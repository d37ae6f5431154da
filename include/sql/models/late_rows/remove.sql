-- Keeps the persons whom this run of the models has removed, as they were counted: without a name, and with the places above
-- them. Two kinds are not kept. Persons of a database that was replaced by another one never were in the new one. Persons
-- who were erased on request leave nothing.
with gone as materialized (
    select was.*
    from pg_temp.past_person as was
    where not exists (
        select from models.person as person where person.source = was.source and person._id = was.uuid
    )
)

insert into history.removed_person as kept
    (source, uuid, lineage, registered, died_on, died_at, is_patient, is_deceased, removed_at)
select
    was.source,
    was.uuid,
    coalesce(above.lineage, '{}'),
    was.registered,
    was.died_on,
    was.died_at,
    was.is_patient,
    was.is_deceased,
    -- when the page with the change came; if no page changed the document, the settings did, just now
    case when document.saved_timestamp <> was.saved_timestamp then document.saved_timestamp else now() end
from gone as was
left join staging.document as document on document.source = was.source and document._id = was.uuid
left join model_data.counted_person as counted on counted.source = was.source and counted.uuid = was.uuid
cross join lateral (
    with recursive above as (
        select counted.place as area, 1 as position
        where counted.place <> ''
        union all
        select place.effective_parent as area, above.position + 1 as position
        from above
        join model_data.place_count as place on place.source = was.source and place.area_uuid = above.area
        where place.effective_parent is not null and above.position < 1000
    )

    select array_agg(above.area order by above.position) as lineage
    from above
) as above
where document.gone is distinct from 'replaced'
    and not cht.is_erased(was.source, was.uuid, null)
on conflict (source, uuid) do update set
    lineage = excluded.lineage,
    registered = excluded.registered,
    died_on = excluded.died_on,
    died_at = excluded.died_at,
    is_patient = excluded.is_patient,
    is_deceased = excluded.is_deceased,
    removed_at = excluded.removed_at
