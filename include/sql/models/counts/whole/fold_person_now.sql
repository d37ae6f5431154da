-- One row per person, as counted now.
-- place: The place above; empty if there is none
-- is_direct: Whether it is the parent that the person's document names
-- band, turns_on: The age band and the day on which the next one begins; null if deceased
-- key: source, uuid
-- after: fold_up, fold_orphan_now
-- analyze: all
select
    person.source,
    person._id as uuid,
    coalesce(place._id, orphan.effective_parent, '') collate "C" as place,
    place._id is not null or orphan.effective_parent is null as is_direct,
    person.is_patient,
    person.is_deceased,
    person.is_muted,
    person.is_staff,
    person.in_household,
    person.sex_group collate "C" as sex,
    (case when not person.is_deceased then cht.age_band(person.born_on, fold_source.today) end) collate "C" as band,
    case when not person.is_deceased then cht.band_turns_on(person.born_on, fold_source.today) end as turns_on
from models.person as person
join pg_temp.fold_source on fold_source.source = person.source
left join pg_temp.fold_up as place on place.source = person.source and place._id = person.parent_uuid
left join pg_temp.fold_orphan_now as orphan on orphan.source = person.source and orphan.uuid = person._id
