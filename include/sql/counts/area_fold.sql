-- The counts of every place of the sources in pg_temp.fold_source, made whole and written where they differ; returns
-- how many rows that were. Definitions: docs/counts.md.
--
-- Persons are grouped by their place first, then only places are walked: they are a third as many, and few levels deep.

-- Every place with the one above it (`up`): the parent that its document names, where that is a live place.
create temporary table fold_place on commit drop as
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

alter table pg_temp.fold_place add primary key (source, _id);
analyze pg_temp.fold_place;

-- Contacts whose parent is not there, or is not a place. Counted before their documents are read: they are few, and the
-- planner has to know it.
create temporary table fold_stranded on commit drop as
select place.source, place._id, place.parent_uuid, false as is_person
from pg_temp.fold_place as place
where place.is_orphan
union all
select person.source, person._id, person.parent_uuid, true as is_person
from models.person as person
join pg_temp.fold_source on fold_source.source = person.source
left join pg_temp.fold_place as place on place.source = person.source and place._id = person.parent_uuid
where person.parent_uuid is not null and place._id is null;

analyze pg_temp.fold_stranded;

-- Above them is the nearest live place of their own embedded lineage.
create temporary table fold_orphan on commit drop as
select
    contact.source,
    contact._id,
    contact.parent_uuid,
    contact.is_person,
    nearest._id as up
from pg_temp.fold_stranded as contact
join staging.document as document on document.source = contact.source and document._id = contact._id
left join lateral (
    select place._id
    from unnest(cht.lineage(document.doc -> 'parent')) with ordinality as embedded (_id, position)
    join pg_temp.fold_place as place
        on place.source = contact.source and place._id = embedded._id collate "C"
    order by embedded.position
    limit 1
) as nearest on true;

analyze pg_temp.fold_orphan;

update pg_temp.fold_place as place
set up = orphan.up
from pg_temp.fold_orphan as orphan
where orphan.source = place.source and orphan._id = place._id and orphan.up is not null;

-- Places that no top is above are in a cycle or below one. In each cycle the smallest _id becomes a top.
create temporary table fold_cycle on commit drop as
with recursive reached as (
    select place.source, place._id
    from pg_temp.fold_place as place
    where place.up is null
    union all
    select place.source, place._id
    from reached
    join pg_temp.fold_place as place on place.source = reached.source and place.up = reached._id
),

stray as (
    select place.source, place._id, place.up
    from pg_temp.fold_place as place
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

update pg_temp.fold_place as place
set up = null
from pg_temp.fold_cycle as cycle
where cycle.source = place.source and cycle.top = place._id;

-- Every place with itself and every place above it.
create temporary table fold_above on commit drop as
with recursive above as (
    select place.source, place._id, place._id as ancestor, place.up, place.is_muted
    from pg_temp.fold_place as place
    union all
    select above.source, above._id, place._id as ancestor, place.up, place.is_muted
    from above
    join pg_temp.fold_place as place on place.source = above.source and place._id = above.up
)

select above.source, above._id, above.ancestor, above.is_muted
from above;

analyze pg_temp.fold_above;

-- Persons by the place above them ('' is none): direct where it is the parent that their documents name.
create temporary table fold_person on commit drop as
select
    person.source,
    coalesce(place._id, orphan.up, '') as place,
    place._id is not null as is_direct,
    count(*)::int as persons,
    (count(*) filter (where person.is_deceased))::int as persons_deceased,
    (count(*) filter (where person.is_muted and not person.is_deceased))::int as persons_muted,
    (count(*) filter (where person.is_patient))::int as patients,
    (count(*) filter (where person.is_patient and person.is_deceased))::int as patients_deceased,
    (count(*) filter (where person.is_patient and person.is_muted and not person.is_deceased))::int as patients_muted
from models.person as person
join pg_temp.fold_source on fold_source.source = person.source
left join pg_temp.fold_place as place on place.source = person.source and place._id = person.parent_uuid
left join pg_temp.fold_orphan as orphan on orphan.source = person.source and orphan._id = person._id
group by person.source, coalesce(place._id, orphan.up, ''), place._id is not null;

-- Muting by the place, or by any above it, makes everybody alive in it muted.
create temporary table fold_own on commit drop as
with place as (
    select above.source, above._id, count(*)::int as level, bool_or(above.is_muted) as is_muted
    from pg_temp.fold_above as above
    group by above.source, above._id
    union all
    select fold_source.source, '' as _id, 0 as level, false as is_muted
    from pg_temp.fold_source
),

person as (
    select
        person.source,
        person.place,
        person.is_direct or person.place = '' as is_direct,
        person.persons,
        case when place.is_muted then person.persons - person.persons_deceased else person.persons_muted end
            as persons_muted,
        person.persons_deceased,
        person.patients,
        case when place.is_muted then person.patients - person.patients_deceased else person.patients_muted end
            as patients_muted,
        person.patients_deceased
    from pg_temp.fold_person as person
    join place on place.source = person.source and place._id = person.place
)

select
    place.source,
    place._id,
    place.level,
    coalesce(sum(person.persons) filter (where person.is_direct), 0)::int as direct_persons,
    coalesce(sum(person.persons_muted) filter (where person.is_direct), 0)::int as direct_persons_muted,
    coalesce(sum(person.persons_deceased) filter (where person.is_direct), 0)::int as direct_persons_deceased,
    coalesce(sum(person.patients) filter (where person.is_direct), 0)::int as direct_patients,
    coalesce(sum(person.patients_muted) filter (where person.is_direct), 0)::int as direct_patients_muted,
    coalesce(sum(person.patients_deceased) filter (where person.is_direct), 0)::int as direct_patients_deceased,
    coalesce(sum(person.persons), 0)::int as own_persons,
    coalesce(sum(person.persons_muted), 0)::int as own_persons_muted,
    coalesce(sum(person.persons_deceased), 0)::int as own_persons_deceased,
    coalesce(sum(person.patients), 0)::int as own_patients,
    coalesce(sum(person.patients_muted), 0)::int as own_patients_muted,
    coalesce(sum(person.patients_deceased), 0)::int as own_patients_deceased
from place
left join person on person.source = place.source and person.place = place._id
group by place.source, place._id, place.level;

analyze pg_temp.fold_own;

create temporary table fold_new on commit drop as
with total as (
    select
        above.source,
        above.ancestor as _id,
        sum(own.own_persons) as persons,
        sum(own.own_persons_muted) as persons_muted,
        sum(own.own_persons_deceased) as persons_deceased,
        sum(own.own_patients) as patients,
        sum(own.own_patients_muted) as patients_muted,
        sum(own.own_patients_deceased) as patients_deceased
    from pg_temp.fold_above as above
    join pg_temp.fold_own as own on own.source = above.source and own._id = above._id
    where own.own_persons > 0
    group by above.source, above.ancestor
    union all
    select
        own.source,
        own._id,
        own.own_persons,
        own.own_persons_muted,
        own.own_persons_deceased,
        own.own_patients,
        own.own_patients_muted,
        own.own_patients_deceased
    from pg_temp.fold_own as own
    where own._id = ''
)

select
    own.source,
    own._id as area_uuid,
    case own._id when '' then 'unplaced' else place.name end as name,
    place.contact_type,
    place.parent_uuid,
    place.up as effective_parent,
    own.level,
    coalesce(place.household, false) as household,
    coalesce(place.is_orphan, false) as is_orphan,
    cycle._id is not null as in_cycle,
    own.direct_persons::bigint as direct_persons,
    (own.direct_persons - own.direct_persons_muted - own.direct_persons_deceased)::bigint as direct_persons_active,
    own.direct_persons_muted::bigint as direct_persons_muted,
    own.direct_persons_deceased::bigint as direct_persons_deceased,
    own.direct_patients::bigint as direct_patients,
    (own.direct_patients - own.direct_patients_muted - own.direct_patients_deceased)::bigint as direct_patients_active,
    own.direct_patients_muted::bigint as direct_patients_muted,
    own.direct_patients_deceased::bigint as direct_patients_deceased,
    coalesce(total.persons, 0)::bigint as total_persons,
    (coalesce(total.persons, 0) - coalesce(total.persons_muted, 0) - coalesce(total.persons_deceased, 0))::bigint as total_persons_active,
    coalesce(total.persons_muted, 0)::bigint as total_persons_muted,
    coalesce(total.persons_deceased, 0)::bigint as total_persons_deceased,
    coalesce(total.patients, 0)::bigint as total_patients,
    (coalesce(total.patients, 0) - coalesce(total.patients_muted, 0) - coalesce(total.patients_deceased, 0))::bigint as total_patients_active,
    coalesce(total.patients_muted, 0)::bigint as total_patients_muted,
    coalesce(total.patients_deceased, 0)::bigint as total_patients_deceased
from pg_temp.fold_own as own
left join total on total.source = own.source and total._id = own._id
left join pg_temp.fold_place as place on place.source = own.source and place._id = own._id
left join pg_temp.fold_cycle as cycle on cycle.source = own.source and cycle._id = own._id;

alter table pg_temp.fold_new add primary key (source, area_uuid);
analyze pg_temp.fold_new;

-- Written where they differ: unchanged counts cost no write, and nothing that reads them is refreshed.
with fold_gone as (
    delete from model_data.area_fold as kept
    where kept.source in (select fold_source.source from pg_temp.fold_source)
        and not exists (
            select from pg_temp.fold_new as new where new.source = kept.source and new.area_uuid = kept.area_uuid
        )
    returning 1
),

fold_written as (
    insert into model_data.area_fold as kept (
        source, area_uuid, name, contact_type, parent_uuid, effective_parent, level, household, is_orphan, in_cycle,
        direct_persons, direct_persons_active, direct_persons_muted, direct_persons_deceased, direct_patients,
        direct_patients_active, direct_patients_muted, direct_patients_deceased, total_persons, total_persons_active,
        total_persons_muted, total_persons_deceased, total_patients, total_patients_active, total_patients_muted,
        total_patients_deceased
    )
    select
        new.source, new.area_uuid, new.name, new.contact_type, new.parent_uuid, new.effective_parent, new.level,
        new.household, new.is_orphan, new.in_cycle,
        new.direct_persons, new.direct_persons_active, new.direct_persons_muted, new.direct_persons_deceased,
        new.direct_patients, new.direct_patients_active, new.direct_patients_muted, new.direct_patients_deceased,
        new.total_persons, new.total_persons_active, new.total_persons_muted, new.total_persons_deceased,
        new.total_patients, new.total_patients_active, new.total_patients_muted, new.total_patients_deceased
    from pg_temp.fold_new as new
    left join model_data.area_fold as old on old.source = new.source and old.area_uuid = new.area_uuid
    where old.source is null or row(old.*) is distinct from row(new.*)
    on conflict (source, area_uuid) do update set
        name = excluded.name,
        contact_type = excluded.contact_type,
        parent_uuid = excluded.parent_uuid,
        effective_parent = excluded.effective_parent,
        level = excluded.level,
        household = excluded.household,
        is_orphan = excluded.is_orphan,
        in_cycle = excluded.in_cycle,
        direct_persons = excluded.direct_persons,
        direct_persons_active = excluded.direct_persons_active,
        direct_persons_muted = excluded.direct_persons_muted,
        direct_persons_deceased = excluded.direct_persons_deceased,
        direct_patients = excluded.direct_patients,
        direct_patients_active = excluded.direct_patients_active,
        direct_patients_muted = excluded.direct_patients_muted,
        direct_patients_deceased = excluded.direct_patients_deceased,
        total_persons = excluded.total_persons,
        total_persons_active = excluded.total_persons_active,
        total_persons_muted = excluded.total_persons_muted,
        total_persons_deceased = excluded.total_persons_deceased,
        total_patients = excluded.total_patients,
        total_patients_active = excluded.total_patients_active,
        total_patients_muted = excluded.total_patients_muted,
        total_patients_deceased = excluded.total_patients_deceased
    returning 1
),

orphan_gone as (
    delete from model_data.orphan as kept
    where kept.source in (select fold_source.source from pg_temp.fold_source)
        and not exists (select from pg_temp.fold_orphan as new where new.source = kept.source and new._id = kept.uuid)
    returning 1
),

orphan_written as (
    insert into model_data.orphan as kept (source, uuid, is_person, parent_uuid, effective_parent)
    select new.source, new._id, new.is_person, new.parent_uuid, new.up
    from pg_temp.fold_orphan as new
    on conflict (source, uuid) do update set
        is_person = excluded.is_person,
        parent_uuid = excluded.parent_uuid,
        effective_parent = excluded.effective_parent
    where (kept.is_person, kept.parent_uuid, kept.effective_parent)
        is distinct from (excluded.is_person, excluded.parent_uuid, excluded.effective_parent)
    returning 1
),

cycle_gone as (
    delete from model_data.cycle as kept
    where kept.source in (select fold_source.source from pg_temp.fold_source)
        and not exists (select from pg_temp.fold_cycle as new where new.source = kept.source and new._id = kept.uuid)
    returning 1
),

cycle_written as (
    insert into model_data.cycle as kept (source, uuid, top)
    select new.source, new._id, new.top
    from pg_temp.fold_cycle as new
    on conflict (source, uuid) do update set top = excluded.top where kept.top <> excluded.top
    returning 1
)

select
    (select count(*) from fold_gone) + (select count(*) from fold_written)
    + (select count(*) from orphan_gone) + (select count(*) from orphan_written)
    + (select count(*) from cycle_gone) + (select count(*) from cycle_written) as written
