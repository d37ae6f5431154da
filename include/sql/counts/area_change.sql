-- The counts of the sources in pg_temp.fold_source, brought up to the contacts in pg_temp.todo that were done again:
-- comes to what area_fold.sql would make from nothing. area_write.sql writes what this makes.
--
-- What is looked up in a kept table is looked up row by row (`lateral`), however many rows it has: the time that this
-- takes is that of the change, not of the source.

-- The documents that were done again and are, or were, contacts.
create temporary table fold_named on commit drop as
select named.source, named._id
from (
    select distinct todo.source, todo._id
    from pg_temp.todo
    join pg_temp.fold_source on fold_source.source = todo.source
) as named
cross join lateral (
    select
    from models.contact as contact
    where contact.source = named.source and contact._id = named._id
    union all
    select
    from model_data.counted_person as kept
    where kept.source = named.source and kept.uuid = named._id
    union all
    select
    from model_data.area_fold as kept
    where kept.source = named.source and kept.area_uuid = named._id
    limit 1
) as known;

alter table pg_temp.fold_named add primary key (source, _id);
analyze pg_temp.fold_named;

-- The places that have come or gone.
create temporary table fold_turned on commit drop as
select named.source, named._id
from pg_temp.fold_named as named
left join lateral (
    select place._id from models.place as place where place.source = named.source and place._id = named._id
    offset 0
) as place on true
left join lateral (
    select kept.area_uuid
    from model_data.area_fold as kept
    where kept.source = named.source and kept.area_uuid = named._id
    offset 0
) as kept on true
where (place._id is null) <> (kept.area_uuid is null);

analyze pg_temp.fold_turned;

-- The contacts whose place above may be another now: those themselves, those that name such a place as their parent or in
-- their lineage, and whatever was in a cycle.
create temporary table fold_look on commit drop as
select named.source, named._id
from pg_temp.fold_named as named
union
select turned.source, below._id
from pg_temp.fold_turned as turned
cross join lateral (
    select contact._id
    from models.contact as contact
    where contact.source = turned.source and contact.parent_uuid = turned._id
    offset 0
) as below
union
select turned.source, below.uuid
from pg_temp.fold_turned as turned
cross join lateral (
    select chain.uuid
    from model_data.orphan_chain as chain
    where chain.source = turned.source and chain.ancestor = turned._id
    offset 0
) as below
union
select kept.source, kept.uuid
from model_data.cycle as kept
join pg_temp.fold_source on fold_source.source = kept.source;

alter table pg_temp.fold_look add primary key (source, _id);
analyze pg_temp.fold_look;

-- Those that are there, with their parent where that is a live place; reads_lineage: it is not kept, or may be another.
create temporary table fold_contact on commit drop as
select
    look.source,
    look._id,
    contact.is_person,
    contact.parent_uuid,
    parent._id as parent,
    named._id is not null or orphan.uuid is null as reads_lineage
from pg_temp.fold_look as look
cross join lateral (
    select contact.is_person, contact.parent_uuid
    from models.contact as contact
    where contact.source = look.source and contact._id = look._id
    offset 0
) as contact
left join lateral (
    select place._id from models.place as place where place.source = look.source and place._id = contact.parent_uuid
    offset 0
) as parent on true
left join lateral (
    select kept.uuid from model_data.orphan as kept where kept.source = look.source and kept.uuid = look._id
    offset 0
) as orphan on true
left join pg_temp.fold_named as named on named.source = look.source and named._id = look._id;

alter table pg_temp.fold_contact add primary key (source, _id);
analyze pg_temp.fold_contact;

-- Above those whose parent is not there, or is not a place, is the nearest live place of their own lineage.
create temporary table fold_chain on commit drop as
select contact.source, contact._id as uuid, embedded.position::int as position, embedded._id collate "C" as ancestor
from pg_temp.fold_contact as contact
cross join lateral (
    select document.doc
    from staging.document as document
    where document.source = contact.source and document._id = contact._id
    offset 0
) as document
cross join lateral unnest(cht.lineage(document.doc -> 'parent')) with ordinality as embedded (_id, position)
where contact.parent_uuid is not null and contact.parent is null and contact.reads_lineage
union all
select chain.source, chain.uuid, chain.position, chain.ancestor
from pg_temp.fold_contact as contact
cross join lateral (
    select kept.source, kept.uuid, kept.position, kept.ancestor
    from model_data.orphan_chain as kept
    where kept.source = contact.source and kept.uuid = contact._id
    offset 0
) as chain
where contact.parent_uuid is not null and contact.parent is null and not contact.reads_lineage;

alter table pg_temp.fold_chain add primary key (source, uuid, position);
analyze pg_temp.fold_chain;

create temporary table fold_orphan on commit drop as
select
    contact.source,
    contact._id,
    contact.parent_uuid,
    contact.is_person,
    nearest._id as up
from pg_temp.fold_contact as contact
left join lateral (
    select place._id
    from pg_temp.fold_chain as chain
    join models.place as place on place.source = chain.source and place._id = chain.ancestor
    where chain.source = contact.source and chain.uuid = contact._id
    order by chain.position
    limit 1
) as nearest on true
where contact.parent_uuid is not null and contact.parent is null;

alter table pg_temp.fold_orphan add primary key (source, _id);
analyze pg_temp.fold_orphan;

-- Where each place that was looked at hands its counts up to now.
create temporary table fold_up on commit drop as
select contact.source, contact._id, coalesce(contact.parent, orphan.up) as up
from pg_temp.fold_contact as contact
left join pg_temp.fold_orphan as orphan on orphan.source = contact.source and orphan._id = contact._id
where not contact.is_person;

alter table pg_temp.fold_up add primary key (source, _id);
analyze pg_temp.fold_up;

-- A cycle that is new, or stays, goes through a place that was looked at. In each the smallest _id becomes a top.
create temporary table fold_cycle on commit drop as
with recursive above as (
    select own.source, own._id, own.up
    from pg_temp.fold_up as own
    where own.up is not null
    union
    select above.source, above._id, next.up
    from above
    cross join lateral (
        select own.up
        from pg_temp.fold_up as own
        where own.source = above.source and own._id = above.up
        union all
        select kept.effective_parent
        from model_data.area_fold as kept
        where kept.source = above.source and kept.area_uuid = above.up
            and not exists (
                select from pg_temp.fold_up as own where own.source = above.source and own._id = above.up
            )
    ) as next (up)
    where next.up is not null
),

member as (
    select above.source, above._id
    from above
    where above.up = above._id
),

top as (
    select member.source, member._id, min(above.up) as top
    from member
    join above on above.source = member.source and above._id = member._id
    group by member.source, member._id
)

select distinct top.source, above.up as _id, top.top
from top
join above on above.source = top.source and above._id = top._id;

insert into pg_temp.fold_up as own (source, _id, up)
select cycle.source, cycle._id, case when cycle._id <> cycle.top then kept.effective_parent end
from pg_temp.fold_cycle as cycle
left join model_data.area_fold as kept on kept.source = cycle.source and kept.area_uuid = cycle._id
on conflict (source, _id) do update set up = null where own._id in (
    select cycle.top from pg_temp.fold_cycle as cycle where cycle.source = own.source
);

-- The persons that were looked at, as they are counted now.
create temporary table fold_person on commit drop as
select
    contact.source,
    contact._id as uuid,
    coalesce(contact.parent, orphan.up, '') collate "C" as place,
    contact.parent is not null or orphan.up is null as is_direct,
    person.is_patient,
    person.is_deceased,
    person.is_muted,
    person.is_staff,
    person.in_household
from pg_temp.fold_contact as contact
cross join lateral (
    select person.is_patient, person.is_deceased, person.is_muted, person.is_staff, person.in_household
    from models.person as person
    where person.source = contact.source and person._id = contact._id
    offset 0
) as person
left join pg_temp.fold_orphan as orphan on orphan.source = contact.source and orphan._id = contact._id
where contact.is_person;

alter table pg_temp.fold_person add primary key (source, uuid);
analyze pg_temp.fold_person;

-- What that adds to each place's own, and takes from it.
create temporary table fold_shift on commit drop as
with person as (
    select
        1 as sign, now.source, now.place, now.is_direct, now.is_patient, now.is_deceased, now.is_muted, now.is_staff,
        now.in_household
    from pg_temp.fold_person as now
    union all
    select
        -1 as sign, was.source, was.place, was.is_direct, was.is_patient, was.is_deceased, was.is_muted, was.is_staff,
        was.in_household
    from pg_temp.fold_look as look
    cross join lateral (
        select
            kept.source, kept.place, kept.is_direct, kept.is_patient, kept.is_deceased, kept.is_muted, kept.is_staff,
            kept.in_household
        from model_data.counted_person as kept
        where kept.source = look.source and kept.uuid = look._id
        offset 0
    ) as was
),

shift as (
    select
        person.source,
        person.place,
        sum(person.sign)::int as persons,
        (coalesce(sum(person.sign) filter (where person.is_muted and not person.is_deceased), 0))::int as persons_muted,
        (coalesce(sum(person.sign) filter (where person.is_deceased), 0))::int as persons_deceased,
        (coalesce(sum(person.sign) filter (where person.is_patient), 0))::int as patients,
        (coalesce(sum(person.sign) filter (
            where person.is_patient and person.is_muted and not person.is_deceased
        ), 0))::int as patients_muted,
        (coalesce(sum(person.sign) filter (where person.is_patient and person.is_deceased), 0))::int
            as patients_deceased,
        (coalesce(sum(person.sign) filter (where person.is_staff), 0))::int as staff,
        (coalesce(sum(person.sign) filter (where person.in_household), 0))::int as in_household,
        (coalesce(sum(person.sign) filter (where person.is_direct), 0))::int as direct_persons,
        (coalesce(sum(person.sign) filter (
            where person.is_direct and person.is_muted and not person.is_deceased
        ), 0))::int as direct_persons_muted,
        (coalesce(sum(person.sign) filter (where person.is_direct and person.is_deceased), 0))::int
            as direct_persons_deceased,
        (coalesce(sum(person.sign) filter (where person.is_direct and person.is_patient), 0))::int as direct_patients,
        (coalesce(sum(person.sign) filter (
            where person.is_direct and person.is_patient and person.is_muted and not person.is_deceased
        ), 0))::int as direct_patients_muted,
        (coalesce(sum(person.sign) filter (
            where person.is_direct and person.is_patient and person.is_deceased
        ), 0))::int as direct_patients_deceased,
        (coalesce(sum(person.sign) filter (where person.is_direct and person.is_staff), 0))::int as direct_staff,
        (coalesce(sum(person.sign) filter (where person.is_direct and person.in_household), 0))::int
            as direct_in_household
    from person
    group by person.source, person.place
)

select shift.*
from shift
where (
    shift.persons, shift.persons_muted, shift.persons_deceased, shift.patients, shift.patients_muted,
    shift.patients_deceased, shift.staff, shift.in_household, shift.direct_persons, shift.direct_persons_muted,
    shift.direct_persons_deceased, shift.direct_patients, shift.direct_patients_muted, shift.direct_patients_deceased,
    shift.direct_staff, shift.direct_in_household
) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

alter table pg_temp.fold_shift add primary key (source, place);
analyze pg_temp.fold_shift;

-- The places that this touches: those that were looked at or are in a cycle, those that have gone, those in which persons
-- are counted otherwise, and every place above one, where it was and where it is.
create temporary table fold_touched on commit drop as
with recursive touched as (
    select own.source, own._id
    from pg_temp.fold_up as own
    union
    select turned.source, turned._id
    from pg_temp.fold_turned as turned
    union
    select shift.source, shift.place
    from pg_temp.fold_shift as shift
),

reached as (
    select touched.source, touched._id
    from touched
    union
    select reached.source, above.up
    from reached
    cross join lateral (
        select own.up
        from pg_temp.fold_up as own
        where own.source = reached.source and own._id = reached._id
        union all
        select kept.effective_parent
        from model_data.area_fold as kept
        where kept.source = reached.source and kept.area_uuid = reached._id
    ) as above (up)
    where above.up is not null
)

select reached.source, reached._id
from reached;

alter table pg_temp.fold_touched add primary key (source, _id);
analyze pg_temp.fold_touched;

-- What is kept of them.
create temporary table fold_was on commit drop as
select kept.*
from pg_temp.fold_touched as touched
cross join lateral (
    select kept.*
    from model_data.area_fold as kept
    where kept.source = touched.source and kept.area_uuid = touched._id
    offset 0
) as kept;

alter table pg_temp.fold_was add primary key (source, area_uuid);
analyze pg_temp.fold_was;

-- Those that are there now, with what they count when all that the touched ones hand up is taken away: `own` of them.
create temporary table fold_own on commit drop as
with place as (
    select
        touched.source,
        touched._id,
        place.name,
        place.contact_type,
        place.parent_uuid,
        case when own._id is null then was.effective_parent else own.up end as up,
        place.household,
        place.is_muted,
        place.parent_uuid is not null and parent._id is null as is_orphan,
        exists (
            select from pg_temp.fold_cycle as cycle where cycle.source = touched.source and cycle._id = touched._id
        ) as in_cycle
    from pg_temp.fold_touched as touched
    cross join lateral (
        select place.name, place.contact_type, place.parent_uuid, place.household, place.is_muted
        from models.place as place
        where place.source = touched.source and place._id = touched._id
        offset 0
    ) as place
    left join lateral (
        select parent._id
        from models.place as parent
        where parent.source = touched.source and parent._id = place.parent_uuid
        offset 0
    ) as parent on true
    left join pg_temp.fold_up as own on own.source = touched.source and own._id = touched._id
    left join pg_temp.fold_was as was on was.source = touched.source and was.area_uuid = touched._id
    union all
    select
        touched.source, '' as _id, 'unplaced' as name, null as contact_type, null as parent_uuid, null as up,
        false as household, false as is_muted, false as is_orphan, false as in_cycle
    from pg_temp.fold_touched as touched
    where touched._id = ''
),

handed as (
    select
        was.source,
        was.effective_parent as up,
        sum(was.total_persons)::int as persons,
        sum(case when was.is_muted then was.total_persons - was.total_persons_deceased else was.total_persons_muted end)
            ::int as persons_muted,
        sum(was.total_persons_deceased)::int as persons_deceased,
        sum(was.total_patients)::int as patients,
        sum(
            case when was.is_muted then was.total_patients - was.total_patients_deceased else was.total_patients_muted end
        )::int as patients_muted,
        sum(was.total_patients_deceased)::int as patients_deceased,
        sum(was.total_households)::int as households,
        sum(was.total_staff)::int as staff,
        sum(was.total_in_household)::int as in_household
    from pg_temp.fold_was as was
    where was.effective_parent is not null
    group by was.source, was.effective_parent
),

household as (
    select below.source, below.up, sum(below.sign)::int as households
    from (
        select 1 as sign, place.source, place.up
        from place
        where place.household and not place.is_orphan and place.up is not null
        union all
        select -1 as sign, was.source, was.effective_parent as up
        from pg_temp.fold_was as was
        where was.household and not was.is_orphan and was.effective_parent is not null
    ) as below
    group by below.source, below.up
)

select
    place.source,
    place._id,
    place.name,
    place.contact_type,
    place.parent_uuid,
    place.up,
    place.household,
    place.is_muted,
    place.is_orphan,
    place.in_cycle,
    coalesce(was.direct_persons, 0) + coalesce(shift.direct_persons, 0) as direct_persons,
    coalesce(was.direct_persons_muted, 0) + coalesce(shift.direct_persons_muted, 0) as direct_persons_muted,
    coalesce(was.direct_persons_deceased, 0) + coalesce(shift.direct_persons_deceased, 0) as direct_persons_deceased,
    coalesce(was.direct_patients, 0) + coalesce(shift.direct_patients, 0) as direct_patients,
    coalesce(was.direct_patients_muted, 0) + coalesce(shift.direct_patients_muted, 0) as direct_patients_muted,
    coalesce(was.direct_patients_deceased, 0) + coalesce(shift.direct_patients_deceased, 0) as direct_patients_deceased,
    coalesce(was.direct_households, 0) + coalesce(household.households, 0) as direct_households,
    coalesce(was.direct_staff, 0) + coalesce(shift.direct_staff, 0) as direct_staff,
    coalesce(was.direct_in_household, 0) + coalesce(shift.direct_in_household, 0) as direct_in_household,
    coalesce(was.total_persons, 0) + coalesce(shift.persons, 0) - coalesce(handed.persons, 0) as own_persons,
    coalesce(was.total_persons_muted, 0) + coalesce(shift.persons_muted, 0) - coalesce(handed.persons_muted, 0)
        as own_persons_muted,
    coalesce(was.total_persons_deceased, 0) + coalesce(shift.persons_deceased, 0) - coalesce(handed.persons_deceased, 0)
        as own_persons_deceased,
    coalesce(was.total_patients, 0) + coalesce(shift.patients, 0) - coalesce(handed.patients, 0) as own_patients,
    coalesce(was.total_patients_muted, 0) + coalesce(shift.patients_muted, 0) - coalesce(handed.patients_muted, 0)
        as own_patients_muted,
    coalesce(was.total_patients_deceased, 0) + coalesce(shift.patients_deceased, 0)
        - coalesce(handed.patients_deceased, 0) as own_patients_deceased,
    coalesce(was.total_households, 0) - coalesce(was.household::int, 0) + place.household::int
        - coalesce(handed.households, 0) as own_households,
    coalesce(was.total_staff, 0) + coalesce(shift.staff, 0) - coalesce(handed.staff, 0) as own_staff,
    coalesce(was.total_in_household, 0) + coalesce(shift.in_household, 0) - coalesce(handed.in_household, 0)
        as own_in_household
from place
left join pg_temp.fold_was as was on was.source = place.source and was.area_uuid = place._id
left join pg_temp.fold_shift as shift on shift.source = place.source and shift.place = place._id
left join handed on handed.source = place.source and handed.up = place._id
left join household on household.source = place.source and household.up = place._id;

alter table pg_temp.fold_own add primary key (source, _id);
analyze pg_temp.fold_own;

-- That of each, for itself and for every place above it, as in area_fold.sql. Muting turns the same numbers the same way,
-- whether they are added or taken away.
create temporary table fold_area on commit drop as
with recursive path as (
    select own.source, own._id, own._id as above, false as is_muted
    from pg_temp.fold_own as own
    union all
    select path.source, path._id, place.up as above, path.is_muted or place.is_muted as is_muted
    from path
    join pg_temp.fold_own as place on place.source = path.source and place._id = path.above
    where place.up is not null
),

total as (
    select
        path.source,
        path.above as _id,
        sum(own.own_persons)::int as persons,
        sum(case when path.is_muted then own.own_persons - own.own_persons_deceased else own.own_persons_muted end)::int
            as persons_muted,
        sum(own.own_persons_deceased)::int as persons_deceased,
        sum(own.own_patients)::int as patients,
        sum(
            case when path.is_muted then own.own_patients - own.own_patients_deceased else own.own_patients_muted end
        )::int as patients_muted,
        sum(own.own_patients_deceased)::int as patients_deceased,
        sum(own.own_households)::int as households,
        sum(own.own_staff)::int as staff,
        sum(own.own_in_household)::int as in_household
    from path
    join pg_temp.fold_own as own on own.source = path.source and own._id = path._id
    group by path.source, path.above
)

select
    own.source,
    own._id as area_uuid,
    own.name,
    own.contact_type,
    own.parent_uuid,
    own.up as effective_parent,
    own.household,
    own.is_muted,
    own.is_orphan,
    own.in_cycle,
    own.direct_persons,
    own.direct_persons_muted,
    own.direct_persons_deceased,
    own.direct_patients,
    own.direct_patients_muted,
    own.direct_patients_deceased,
    own.direct_households,
    own.direct_staff,
    own.direct_in_household,
    total.persons as total_persons,
    total.persons_muted as total_persons_muted,
    total.persons_deceased as total_persons_deceased,
    total.patients as total_patients,
    total.patients_muted as total_patients_muted,
    total.patients_deceased as total_patients_deceased,
    total.households as total_households,
    total.staff as total_staff,
    total.in_household as total_in_household
from pg_temp.fold_own as own
join total on total.source = own.source and total._id = own._id;

alter table pg_temp.fold_area add primary key (source, area_uuid);
analyze pg_temp.fold_area;

-- What is kept and is no longer so.
create temporary table gone_area on commit drop as
select was.source, was.area_uuid
from pg_temp.fold_was as was
left join pg_temp.fold_own as own on own.source = was.source and own._id = was.area_uuid
where own._id is null;

create temporary table gone_person on commit drop as
select look.source, look._id as uuid
from pg_temp.fold_look as look
left join pg_temp.fold_person as new on new.source = look.source and new.uuid = look._id
where new.uuid is null;

create temporary table gone_orphan on commit drop as
select look.source, look._id as uuid
from pg_temp.fold_look as look
left join pg_temp.fold_orphan as new on new.source = look.source and new._id = look._id
where new._id is null;

create temporary table gone_chain on commit drop as
select kept.source, kept.uuid, kept.position
from pg_temp.fold_look as look
cross join lateral (
    select kept.source, kept.uuid, kept.position
    from model_data.orphan_chain as kept
    where kept.source = look.source and kept.uuid = look._id
    offset 0
) as kept
left join pg_temp.fold_chain as new
    on new.source = kept.source and new.uuid = kept.uuid and new.position = kept.position
where new.uuid is null;
