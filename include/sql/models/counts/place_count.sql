-- The counts of every place of the sources in pg_temp.fold_source, made from nothing: the definition of the counts, which
-- area_change.sql must come to by the change. Definitions: docs/counts.md. area_write.sql writes the differences that this finds.
--
-- Persons are grouped by their place first, then only places are walked: they are a third as many, and few levels deep.

-- Every place with the one above it (`up`): the parent that its document names, where that is a live place.
create temporary table whole_place on commit drop as
select
    place.source,
    place._id,
    place.name,
    place.contact_type,
    place.parent_uuid,
    place.household,
    place.is_muted,
    parent._id as up,
    place.parent_uuid is not null and parent._id is null as is_orphan
from models.place as place
join pg_temp.fold_source on fold_source.source = place.source
left join models.place as parent on parent.source = place.source and parent._id = place.parent_uuid;

alter table pg_temp.whole_place add primary key (source, _id);
analyze pg_temp.whole_place;

-- Contacts whose parent is not there, or is not a place. Counted before their documents are read: they are few, and the
-- planner has to know it.
create temporary table whole_stranded on commit drop as
select place.source, place._id, place.parent_uuid, false as is_person
from pg_temp.whole_place as place
where place.is_orphan
union all
select person.source, person._id, person.parent_uuid, true as is_person
from models.person as person
join pg_temp.fold_source on fold_source.source = person.source
left join pg_temp.whole_place as place on place.source = person.source and place._id = person.parent_uuid
where person.parent_uuid is not null and place._id is null;

analyze pg_temp.whole_stranded;

create temporary table whole_chain on commit drop as
select contact.source, contact._id as uuid, embedded.position::int as position, embedded._id collate "C" as ancestor
from pg_temp.whole_stranded as contact
join staging.document as document on document.source = contact.source and document._id = contact._id
cross join lateral unnest(cht.lineage(document.doc -> 'parent')) with ordinality as embedded (_id, position);

alter table pg_temp.whole_chain add primary key (source, uuid, position);
analyze pg_temp.whole_chain;

-- Above them is the nearest live place of their own embedded lineage.
create temporary table whole_orphan on commit drop as
select
    contact.source,
    contact._id,
    contact.parent_uuid,
    contact.is_person,
    nearest._id as up
from pg_temp.whole_stranded as contact
left join lateral (
    select place._id
    from pg_temp.whole_chain as chain
    join pg_temp.whole_place as place on place.source = chain.source and place._id = chain.ancestor
    where chain.source = contact.source and chain.uuid = contact._id
    order by chain.position
    limit 1
) as nearest on true;

analyze pg_temp.whole_orphan;

update pg_temp.whole_place as place
set up = orphan.up
from pg_temp.whole_orphan as orphan
where orphan.source = place.source and orphan._id = place._id and orphan.up is not null;

-- Places that no top is above are in a cycle or below one. In each cycle the smallest _id becomes a top.
create temporary table whole_cycle on commit drop as
with recursive reached as (
    select place.source, place._id
    from pg_temp.whole_place as place
    where place.up is null
    union all
    select place.source, place._id
    from reached
    join pg_temp.whole_place as place on place.source = reached.source and place.up = reached._id
),

stray as (
    select place.source, place._id, place.up
    from pg_temp.whole_place as place
    left join reached on reached.source = place.source and reached._id = place._id
    where reached._id is null
),

above as (
    select stray.source, stray._id, stray.up
    from stray
    union
    select above.source, above._id, stray.up
    from above
    join stray on stray.source = above.source and stray._id = above.up
),

member as (
    select above.source, above._id
    from above
    where above.up = above._id
)

select above.source, above._id, min(above.up) as top
from member
join above on above.source = member.source and above._id = member._id
group by above.source, above._id;

update pg_temp.whole_place as place
set up = null
from pg_temp.whole_cycle as cycle
where cycle.source = place.source and cycle.top = place._id;

-- Every person with the place above it: '' is none.
create temporary table whole_person on commit drop as
select
    person.source,
    person._id as uuid,
    coalesce(place._id, orphan.up, '') collate "C" as place,
    place._id is not null or orphan.up is null as is_direct,
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
left join pg_temp.whole_place as place on place.source = person.source and place._id = person.parent_uuid
left join pg_temp.whole_orphan as orphan on orphan.source = person.source and orphan._id = person._id;

analyze pg_temp.whole_person;

-- Every place, and '' for none, with what is counted in it before anything below it is.
create temporary table whole_own on commit drop as
with place as (
    select
        place.source,
        place._id,
        case when place.household then 1 else 0 end as households
    from pg_temp.whole_place as place
    union all
    select fold_source.source, '' as _id, 0 as households
    from pg_temp.fold_source
),

person as (
    select
        person.source,
        person.place,
        count(*)::int as persons,
        (count(*) filter (where person.is_muted and not person.is_deceased))::int as persons_muted,
        (count(*) filter (where person.is_deceased))::int as persons_deceased,
        (count(*) filter (where person.is_patient))::int as patients,
        (count(*) filter (where person.is_patient and person.is_muted and not person.is_deceased))::int
            as patients_muted,
        (count(*) filter (where person.is_patient and person.is_deceased))::int as patients_deceased,
        (count(*) filter (where person.is_staff))::int as staff,
        (count(*) filter (where person.in_household))::int as in_household,
        (count(*) filter (where person.is_direct))::int as direct_persons,
        (count(*) filter (where person.is_direct and person.is_muted and not person.is_deceased))::int
            as direct_persons_muted,
        (count(*) filter (where person.is_direct and person.is_deceased))::int as direct_persons_deceased,
        (count(*) filter (where person.is_direct and person.is_patient))::int as direct_patients,
        (count(*) filter (
            where person.is_direct and person.is_patient and person.is_muted and not person.is_deceased
        ))::int as direct_patients_muted,
        (count(*) filter (where person.is_direct and person.is_patient and person.is_deceased))::int
            as direct_patients_deceased,
        (count(*) filter (where person.is_direct and person.is_staff))::int as direct_staff,
        (count(*) filter (where person.is_direct and person.in_household))::int as direct_in_household
    from pg_temp.whole_person as person
    group by person.source, person.place
),

household as (
    select place.source, place.up, count(*)::int as households
    from pg_temp.whole_place as place
    where place.household and not place.is_orphan and place.up is not null
    group by place.source, place.up
)

select
    place.source,
    place._id,
    coalesce(person.persons, 0) as persons,
    coalesce(person.persons_muted, 0) as persons_muted,
    coalesce(person.persons_deceased, 0) as persons_deceased,
    coalesce(person.patients, 0) as patients,
    coalesce(person.patients_muted, 0) as patients_muted,
    coalesce(person.patients_deceased, 0) as patients_deceased,
    place.households,
    coalesce(person.staff, 0) as staff,
    coalesce(person.in_household, 0) as in_household,
    coalesce(person.direct_persons, 0) as direct_persons,
    coalesce(person.direct_persons_muted, 0) as direct_persons_muted,
    coalesce(person.direct_persons_deceased, 0) as direct_persons_deceased,
    coalesce(person.direct_patients, 0) as direct_patients,
    coalesce(person.direct_patients_muted, 0) as direct_patients_muted,
    coalesce(person.direct_patients_deceased, 0) as direct_patients_deceased,
    coalesce(household.households, 0) as direct_households,
    coalesce(person.direct_staff, 0) as direct_staff,
    coalesce(person.direct_in_household, 0) as direct_in_household
from place
left join person on person.source = place.source and person.place = place._id
left join household on household.source = place.source and household.up = place._id;

analyze pg_temp.whole_own;

-- Every place that counts something, for itself and for every place above it. Muting by a place on the way (not by the one
-- that is counted for) makes everybody alive muted.
create temporary table whole_area on commit drop as
with recursive path as (
    select own.source, own._id, own._id as above, false as is_muted
    from pg_temp.whole_own as own
    where own.persons > 0 or own.households > 0
    union all
    select path.source, path._id, place.up as above, path.is_muted or place.is_muted as is_muted
    from path
    join pg_temp.whole_place as place on place.source = path.source and place._id = path.above
    where place.up is not null
),

total as (
    select
        path.source,
        path.above as _id,
        sum(own.persons)::int as persons,
        sum(case when path.is_muted then own.persons - own.persons_deceased else own.persons_muted end)::int
            as persons_muted,
        sum(own.persons_deceased)::int as persons_deceased,
        sum(own.patients)::int as patients,
        sum(case when path.is_muted then own.patients - own.patients_deceased else own.patients_muted end)::int
            as patients_muted,
        sum(own.patients_deceased)::int as patients_deceased,
        sum(own.households)::int as households,
        sum(own.staff)::int as staff,
        sum(own.in_household)::int as in_household
    from path
    join pg_temp.whole_own as own on own.source = path.source and own._id = path._id
    group by path.source, path.above
)

select
    own.source,
    own._id as area_uuid,
    case own._id when '' then 'unplaced' else place.name end as name,
    place.contact_type,
    place.parent_uuid,
    place.up as effective_parent,
    coalesce(place.household, false) as household,
    coalesce(place.is_muted, false) as is_muted,
    coalesce(place.is_orphan, false) as is_orphan,
    cycle._id is not null as in_cycle,
    own.direct_persons,
    own.direct_persons_muted,
    own.direct_persons_deceased,
    own.direct_patients,
    own.direct_patients_muted,
    own.direct_patients_deceased,
    own.direct_households,
    own.direct_staff,
    own.direct_in_household,
    coalesce(total.persons, 0) as total_persons,
    coalesce(total.persons_muted, 0) as total_persons_muted,
    coalesce(total.persons_deceased, 0) as total_persons_deceased,
    coalesce(total.patients, 0) as total_patients,
    coalesce(total.patients_muted, 0) as total_patients_muted,
    coalesce(total.patients_deceased, 0) as total_patients_deceased,
    coalesce(total.households, 0) as total_households,
    coalesce(total.staff, 0) as total_staff,
    coalesce(total.in_household, 0) as total_in_household
from pg_temp.whole_own as own
left join total on total.source = own.source and total._id = own._id
left join pg_temp.whole_place as place on place.source = own.source and place._id = own._id
left join pg_temp.whole_cycle as cycle on cycle.source = own.source and cycle._id = own._id;

alter table pg_temp.whole_area add primary key (source, area_uuid);
analyze pg_temp.whole_area;

-- What of that is not as it is kept, and what is kept and is no longer. is_moved: a household, or what was one, that has
-- something else above it, or is one no longer; a person who is counted in another place, or in none any more.
create temporary table fold_area on commit drop as
select
    false as is_gone,
    (new.household or coalesce(kept.household, false))
        and (kept.household, kept.effective_parent, kept.parent_uuid)
            is distinct from (new.household, new.effective_parent, new.parent_uuid) as is_moved,
    new.*
from pg_temp.whole_area as new
left join model_data.place_count as kept on kept.source = new.source and kept.area_uuid = new.area_uuid
where kept.source is null or row(kept.*) is distinct from row(new.*);

insert into pg_temp.fold_area (is_gone, is_moved, source, area_uuid)
select true, kept.household, kept.source, kept.area_uuid
from model_data.place_count as kept
join pg_temp.fold_source on fold_source.source = kept.source
left join pg_temp.whole_area as new on new.source = kept.source and new.area_uuid = kept.area_uuid
where new.source is null;

create temporary table fold_person on commit drop as
select false as is_gone, kept.place is distinct from new.place as is_moved, new.*
from pg_temp.whole_person as new
left join model_data.counted_person as kept on kept.source = new.source and kept.uuid = new.uuid
where kept.source is null or row(kept.*) is distinct from row(new.*);

insert into pg_temp.fold_person (is_gone, is_moved, source, uuid)
select true, true, kept.source, kept.uuid
from model_data.counted_person as kept
join pg_temp.fold_source on fold_source.source = kept.source
left join pg_temp.whole_person as new on new.source = kept.source and new.uuid = kept.uuid
where new.source is null;

create temporary table fold_orphan on commit drop as
select
    false as is_gone, new.source, new._id as uuid, new.is_person, new.parent_uuid, new.up as effective_parent
from pg_temp.whole_orphan as new
left join model_data.orphan as kept on kept.source = new.source and kept.uuid = new._id
where kept.source is null
    or (kept.is_person, kept.parent_uuid, kept.effective_parent)
        is distinct from (new.is_person, new.parent_uuid, new.up);

insert into pg_temp.fold_orphan (is_gone, source, uuid)
select true, kept.source, kept.uuid
from model_data.orphan as kept
join pg_temp.fold_source on fold_source.source = kept.source
left join pg_temp.whole_orphan as new on new.source = kept.source and new._id = kept.uuid
where new.source is null;

create temporary table fold_chain on commit drop as
select false as is_gone, new.*
from pg_temp.whole_chain as new
left join model_data.orphan_chain as kept
    on kept.source = new.source and kept.uuid = new.uuid and kept.position = new.position
where kept.source is null or kept.ancestor <> new.ancestor;

insert into pg_temp.fold_chain (is_gone, source, uuid, position)
select true, kept.source, kept.uuid, kept.position
from model_data.orphan_chain as kept
join pg_temp.fold_source on fold_source.source = kept.source
left join pg_temp.whole_chain as new
    on new.source = kept.source and new.uuid = kept.uuid and new.position = kept.position
where new.source is null;

create temporary table fold_cycle on commit drop as
select false as is_gone, new.source, new._id as uuid, new.top
from pg_temp.whole_cycle as new
left join model_data.cycle as kept on kept.source = new.source and kept.uuid = new._id
where kept.top is distinct from new.top;

insert into pg_temp.fold_cycle (is_gone, source, uuid)
select true, kept.source, kept.uuid
from model_data.cycle as kept
join pg_temp.fold_source on fold_source.source = kept.source
left join pg_temp.whole_cycle as new on new.source = kept.source and new._id = kept.uuid
where new.source is null;
