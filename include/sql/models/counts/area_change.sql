-- The counts of the sources in pg_temp.fold_source, brought up to the contacts in pg_temp.fold_todo that were done again:
-- comes to what place_count.sql would make from nothing. area_write.sql writes the differences that this finds.
--
-- What is looked up in a kept table is looked up row by row (`lateral`, `offset 0`), however many rows it has: the time
-- that this takes is that of the change, not of the source. Tables of the change are few rows: few are indexed.

-- The contacts whose place above may be another now: those that were done again, those that name a place that has come or
-- gone as their parent or in their lineage, those for whom a band of ages has begun, and whatever was in a cycle. is_gone: a
-- place that is one no longer.
create temporary table fold_look on commit drop as
with named as (
    select todo.source, todo._id, area.area_uuid is not null as was_place, place._id is not null as is_place
    from pg_temp.fold_todo as todo
    join pg_temp.fold_source on fold_source.source = todo.source
    left join lateral (
        select kept.area_uuid
        from model_data.place_count as kept
        where kept.source = todo.source and kept.area_uuid = todo._id
        offset 0
    ) as area on true
    left join lateral (
        select place._id
        from models.place as place
        where place.source = todo.source and place._id = todo._id
        offset 0
    ) as place on true
),

turned as (
    select named.source, named._id
    from named
    where named.was_place <> named.is_place
),

look as (
    select named.source, named._id, true as is_named, named.was_place and not named.is_place as is_gone
    from named
    union all
    select turned.source, below._id, false as is_named, false as is_gone
    from turned
    cross join lateral (
        select contact._id
        from models.contact as contact
        where contact.source = turned.source and contact.parent_uuid = turned._id
        offset 0
    ) as below
    union all
    select turned.source, below.uuid as _id, false as is_named, false as is_gone
    from turned
    cross join lateral (
        select chain.uuid
        from model_data.orphan_chain as chain
        where chain.source = turned.source and chain.ancestor = turned._id
        offset 0
    ) as below
    union all
    select fold_source.source, turning.uuid as _id, false as is_named, false as is_gone
    from pg_temp.fold_source
    cross join lateral (
        select kept.uuid
        from model_data.counted_person as kept
        where kept.source = fold_source.source and kept.turns_on <= fold_source.today
        offset 0
    ) as turning
    union all
    select kept.source, kept.uuid as _id, false as is_named, false as is_gone
    from model_data.cycle as kept
    join pg_temp.fold_source on fold_source.source = kept.source
)

select look.source, look._id, bool_or(look.is_named) as is_named, bool_or(look.is_gone) as is_gone
from look
group by look.source, look._id;

-- Each of them as it is now and as it was counted. Above it is its parent, where that is a live place (`parent`); else the
-- nearest live place of its own lineage, which is kept, and read again where its document has changed.
create temporary table fold_contact on commit drop as
select
    look.source,
    look._id,
    look.is_gone,
    case when person._id is not null then 'person' when place._id is not null then 'place' end as kind,
    above.parent_uuid,
    above.is_orphan,
    coalesce(parent._id, nearest._id) collate "C" as up,
    place.name,
    place.contact_type,
    place.household,
    coalesce(person.is_muted, place.is_muted) as is_muted,
    person.is_patient,
    person.is_deceased,
    person.is_staff,
    person.in_household,
    person.sex,
    (case when not person.is_deceased then cht.age_band(person.born_on, fold_source.today) end) collate "C" as band,
    case when not person.is_deceased then cht.band_turns_on(person.born_on, fold_source.today) end as turns_on,
    was.place as was_place,
    was.is_direct as was_direct,
    was.is_patient as was_patient,
    was.is_deceased as was_deceased,
    was.is_muted as was_muted,
    was.is_staff as was_staff,
    was.in_household as was_in_household,
    was.sex as was_sex,
    was.band as was_band,
    was.turns_on as was_turns_on,
    orphan.uuid is not null as was_orphan,
    orphan.is_person as orphan_is_person,
    orphan.parent_uuid as orphan_parent,
    orphan.effective_parent as orphan_up,
    case when above.is_orphan then coalesce(embedded.lineage, kept.lineage) end as lineage,
    kept.lineage as was_lineage
from pg_temp.fold_look as look
join pg_temp.fold_source on fold_source.source = look.source
left join lateral (
    select
        person._id, person.parent_uuid, person.is_patient, person.is_deceased, person.is_muted, person.is_staff,
        person.in_household, person.sex_group as sex, person.born_on
    from models.person as person
    where person.source = look.source and person._id = look._id
    offset 0
) as person on true
left join lateral (
    select place._id, place.parent_uuid, place.name, place.contact_type, place.household, place.is_muted
    from models.place as place
    where person._id is null and place.source = look.source and place._id = look._id
    offset 0
) as place on true
left join lateral (
    select parent._id
    from models.place as parent
    where parent.source = look.source and parent._id = coalesce(person.parent_uuid, place.parent_uuid)
    offset 0
) as parent on true
cross join lateral (
    select
        coalesce(person.parent_uuid, place.parent_uuid) as parent_uuid,
        coalesce(person.parent_uuid, place.parent_uuid) is not null and parent._id is null as is_orphan
) as above
left join lateral (
    select
        kept.place, kept.is_direct, kept.is_patient, kept.is_deceased, kept.is_muted, kept.is_staff, kept.in_household,
        kept.sex, kept.band, kept.turns_on
    from model_data.counted_person as kept
    where kept.source = look.source and kept.uuid = look._id
    offset 0
) as was on true
left join lateral (
    select kept.uuid, kept.is_person, kept.parent_uuid, kept.effective_parent
    from model_data.orphan as kept
    where kept.source = look.source and kept.uuid = look._id
    offset 0
) as orphan on true
left join lateral (
    select array_agg(chain.ancestor order by chain.position) as lineage
    from model_data.orphan_chain as chain
    where orphan.uuid is not null and chain.source = look.source and chain.uuid = look._id
) as kept on true
left join lateral (
    select cht.lineage(document.doc -> 'parent') as lineage
    from staging.document as document
    where above.is_orphan and (look.is_named or orphan.uuid is null)
        and document.source = look.source and document._id = look._id
    offset 0
) as embedded on true
left join lateral (
    select place._id
    from unnest(coalesce(embedded.lineage, kept.lineage)) with ordinality as chain (ancestor, position)
    cross join lateral (
        select place._id
        from models.place as place
        where place.source = look.source and place._id = chain.ancestor collate "C"
        offset 0
    ) as place
    where above.is_orphan
    order by chain.position
    limit 1
) as nearest on true;

analyze pg_temp.fold_contact (source, _id);

-- Places as they are now, and where each hands its counts up to.
create temporary table fold_up on commit drop as
select
    contact.source,
    contact._id,
    contact.name,
    contact.contact_type,
    contact.parent_uuid,
    contact.up,
    contact.household,
    contact.is_muted,
    contact.is_orphan
from pg_temp.fold_contact as contact
where contact.kind = 'place';

alter table pg_temp.fold_up add primary key (source, _id);

-- A cycle that is new, or stays, goes through a place that was looked at. In each the smallest _id becomes a top.
create temporary table fold_circle on commit drop as
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
        from model_data.place_count as kept
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

insert into pg_temp.fold_up as own (
    source, _id, name, contact_type, parent_uuid, up, household, is_muted, is_orphan
)
select
    circle.source,
    circle._id,
    kept.name,
    kept.contact_type,
    kept.parent_uuid,
    case when circle._id <> circle.top then kept.effective_parent end,
    coalesce(kept.household, false),
    coalesce(kept.is_muted, false),
    coalesce(kept.is_orphan, false)
from pg_temp.fold_circle as circle
left join model_data.place_count as kept on kept.source = circle.source and kept.area_uuid = circle._id
on conflict (source, _id) do update set up = null where own._id in (
    select circle.top from pg_temp.fold_circle as circle where circle.source = own.source
);

-- What persons add to each place's own, and take from it.
create temporary table fold_shift on commit drop as
with person as (
    select
        1 as sign,
        contact.source,
        coalesce(contact.up, '') collate "C" as place,
        not contact.is_orphan or contact.up is null as is_direct,
        contact.is_patient,
        contact.is_deceased,
        contact.is_muted,
        contact.is_staff,
        contact.in_household
    from pg_temp.fold_contact as contact
    where contact.kind = 'person'
    union all
    select
        -1 as sign,
        contact.source,
        contact.was_place as place,
        contact.was_direct as is_direct,
        contact.was_patient as is_patient,
        contact.was_deceased as is_deceased,
        contact.was_muted as is_muted,
        contact.was_staff as is_staff,
        contact.was_in_household as in_household
    from pg_temp.fold_contact as contact
    where contact.was_place is not null
),

shift as (
    select
        person.source,
        person.place,
        sum(person.sign)::int as persons,
        coalesce(sum(person.sign) filter (where person.is_muted and not person.is_deceased), 0)::int as persons_muted,
        coalesce(sum(person.sign) filter (where person.is_deceased), 0)::int as persons_deceased,
        coalesce(sum(person.sign) filter (where person.is_patient), 0)::int as patients,
        coalesce(sum(person.sign) filter (
            where person.is_patient and person.is_muted and not person.is_deceased
        ), 0)::int as patients_muted,
        coalesce(sum(person.sign) filter (where person.is_patient and person.is_deceased), 0)::int as patients_deceased,
        coalesce(sum(person.sign) filter (where person.is_staff), 0)::int as staff,
        coalesce(sum(person.sign) filter (where person.in_household), 0)::int as in_household,
        coalesce(sum(person.sign) filter (where person.is_direct), 0)::int as direct_persons,
        coalesce(sum(person.sign) filter (
            where person.is_direct and person.is_muted and not person.is_deceased
        ), 0)::int as direct_persons_muted,
        coalesce(sum(person.sign) filter (where person.is_direct and person.is_deceased), 0)::int
            as direct_persons_deceased,
        coalesce(sum(person.sign) filter (where person.is_direct and person.is_patient), 0)::int as direct_patients,
        coalesce(sum(person.sign) filter (
            where person.is_direct and person.is_patient and person.is_muted and not person.is_deceased
        ), 0)::int as direct_patients_muted,
        coalesce(sum(person.sign) filter (
            where person.is_direct and person.is_patient and person.is_deceased
        ), 0)::int as direct_patients_deceased,
        coalesce(sum(person.sign) filter (where person.is_direct and person.is_staff), 0)::int as direct_staff,
        coalesce(sum(person.sign) filter (where person.is_direct and person.in_household), 0)::int
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

-- The same by sex and band, of those alive.
create temporary table fold_band_shift on commit drop as
with person as (
    select
        1 as sign,
        contact.source,
        coalesce(contact.up, '') collate "C" as place,
        not contact.is_orphan or contact.up is null as is_direct,
        contact.is_patient,
        contact.sex,
        contact.band
    from pg_temp.fold_contact as contact
    where contact.kind = 'person'
    union all
    select
        -1 as sign,
        contact.source,
        contact.was_place as place,
        contact.was_direct as is_direct,
        contact.was_patient as is_patient,
        contact.was_sex as sex,
        contact.was_band as band
    from pg_temp.fold_contact as contact
    where contact.was_place is not null
),

shift as (
    select
        person.source,
        person.place,
        person.sex,
        person.band,
        coalesce(sum(person.sign) filter (where person.is_direct), 0)::int as direct_persons,
        coalesce(sum(person.sign) filter (where person.is_direct and person.is_patient), 0)::int as direct_patients,
        sum(person.sign)::int as total_persons,
        coalesce(sum(person.sign) filter (where person.is_patient), 0)::int as total_patients
    from person
    where person.band is not null
    group by person.source, person.place, person.sex, person.band
)

select shift.*
from shift
where (shift.direct_persons, shift.direct_patients, shift.total_persons, shift.total_patients) <> (0, 0, 0, 0);

-- The places that this touches, as they are kept: those that were looked at or are in a cycle, those that have gone, those
-- in which persons are counted otherwise, and every place above one, where it was and where it is.
create temporary table fold_was on commit drop as
with recursive reached as (
    select seed.source as of_source, seed._id, own.up as now_up, kept.*
    from (
        select own.source, own._id
        from pg_temp.fold_up as own
        union
        select contact.source, contact._id
        from pg_temp.fold_contact as contact
        where contact.is_gone
        union
        select shift.source, shift.place
        from pg_temp.fold_shift as shift
        union
        select shift.source, shift.place
        from pg_temp.fold_band_shift as shift
    ) as seed
    left join pg_temp.fold_up as own on own.source = seed.source and own._id = seed._id
    left join lateral (
        select kept.*
        from model_data.place_count as kept
        where kept.source = seed.source and kept.area_uuid = seed._id
        offset 0
    ) as kept on true
    union
    select above.source as of_source, above._id, own.up as now_up, kept.*
    from (
        select distinct reached.of_source as source, way.up as _id
        from reached
        cross join lateral (values (reached.now_up), (reached.effective_parent)) as way (up)
        where way.up is not null
    ) as above
    left join pg_temp.fold_up as own on own.source = above.source and own._id = above._id
    left join lateral (
        select kept.*
        from model_data.place_count as kept
        where kept.source = above.source and kept.area_uuid = above._id
        offset 0
    ) as kept on true
)

select reached.*
from reached;

analyze pg_temp.fold_was (of_source, _id, effective_parent);

-- What is counted otherwise of them. `own` is what is left to a place when all that the touched ones hand up is taken
-- away; that of each is then added to itself and to every place above it, as in place_count.sql. Muting turns the same numbers
-- the same way, whether they are added or taken away. is_moved is as in place_count.sql, too.
create temporary table fold_area on commit drop as
with recursive place as materialized (
    select
        was.of_source as source,
        was._id,
        own.name,
        own.contact_type,
        own.parent_uuid,
        own.up,
        own.household,
        own.is_muted,
        own.is_orphan,
        exists (
            select from pg_temp.fold_circle as circle where circle.source = own.source and circle._id = own._id
        ) as in_cycle
    from pg_temp.fold_was as was
    join pg_temp.fold_up as own on own.source = was.of_source and own._id = was._id
    union all
    select
        was.of_source as source,
        was._id,
        was.name,
        was.contact_type,
        was.parent_uuid,
        was.effective_parent as up,
        was.household,
        was.is_muted,
        was.is_orphan,
        was.in_cycle
    from pg_temp.fold_was as was
    left join pg_temp.fold_up as own on own.source = was.of_source and own._id = was._id
    left join pg_temp.fold_contact as gone on gone.source = was.of_source and gone._id = was._id and gone.is_gone
    where own._id is null and gone._id is null
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
),

own as materialized (
    select
        place.source,
        place._id,
        coalesce(was.total_persons, 0) + coalesce(shift.persons, 0) - coalesce(handed.persons, 0) as persons,
        coalesce(was.total_persons_muted, 0) + coalesce(shift.persons_muted, 0) - coalesce(handed.persons_muted, 0)
            as persons_muted,
        coalesce(was.total_persons_deceased, 0) + coalesce(shift.persons_deceased, 0)
            - coalesce(handed.persons_deceased, 0) as persons_deceased,
        coalesce(was.total_patients, 0) + coalesce(shift.patients, 0) - coalesce(handed.patients, 0) as patients,
        coalesce(was.total_patients_muted, 0) + coalesce(shift.patients_muted, 0) - coalesce(handed.patients_muted, 0)
            as patients_muted,
        coalesce(was.total_patients_deceased, 0) + coalesce(shift.patients_deceased, 0)
            - coalesce(handed.patients_deceased, 0) as patients_deceased,
        coalesce(was.total_households, 0) - coalesce(was.household::int, 0) + place.household::int
            - coalesce(handed.households, 0) as households,
        coalesce(was.total_staff, 0) + coalesce(shift.staff, 0) - coalesce(handed.staff, 0) as staff,
        coalesce(was.total_in_household, 0) + coalesce(shift.in_household, 0) - coalesce(handed.in_household, 0)
            as in_household
    from place
    join pg_temp.fold_was as was on was.of_source = place.source and was._id = place._id
    left join pg_temp.fold_shift as shift on shift.source = place.source and shift.place = place._id
    left join handed on handed.source = place.source and handed.up = place._id
),

path as (
    select place.source, place._id, place._id as above, false as is_muted
    from place
    union all
    select path.source, path._id, place.up as above, path.is_muted or place.is_muted as is_muted
    from path
    join place on place.source = path.source and place._id = path.above
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
    join own on own.source = path.source and own._id = path._id
    group by path.source, path.above
),

new as (
    select
        place.source,
        place._id as area_uuid,
        place.name,
        place.contact_type,
        place.parent_uuid,
        place.up as effective_parent,
        place.household,
        place.is_muted,
        place.is_orphan,
        place.in_cycle,
        coalesce(was.direct_persons, 0) + coalesce(shift.direct_persons, 0) as direct_persons,
        coalesce(was.direct_persons_muted, 0) + coalesce(shift.direct_persons_muted, 0) as direct_persons_muted,
        coalesce(was.direct_persons_deceased, 0) + coalesce(shift.direct_persons_deceased,
            0) as direct_persons_deceased,
        coalesce(was.direct_patients, 0) + coalesce(shift.direct_patients, 0) as direct_patients,
        coalesce(was.direct_patients_muted, 0) + coalesce(shift.direct_patients_muted, 0) as direct_patients_muted,
        coalesce(was.direct_patients_deceased, 0) + coalesce(shift.direct_patients_deceased, 0)
            as direct_patients_deceased,
        coalesce(was.direct_households, 0) + coalesce(household.households, 0) as direct_households,
        coalesce(was.direct_staff, 0) + coalesce(shift.direct_staff, 0) as direct_staff,
        coalesce(was.direct_in_household, 0) + coalesce(shift.direct_in_household, 0) as direct_in_household,
        total.persons as total_persons,
        total.persons_muted as total_persons_muted,
        total.persons_deceased as total_persons_deceased,
        total.patients as total_patients,
        total.patients_muted as total_patients_muted,
        total.patients_deceased as total_patients_deceased,
        total.households as total_households,
        total.staff as total_staff,
        total.in_household as total_in_household
    from place
    join total on total.source = place.source and total._id = place._id
    join pg_temp.fold_was as was on was.of_source = place.source and was._id = place._id
    left join pg_temp.fold_shift as shift on shift.source = place.source and shift.place = place._id
    left join household on household.source = place.source and household.up = place._id
)

select
    false as is_gone,
    (new.household or coalesce(was.household, false))
        and (was.household, was.effective_parent, was.parent_uuid)
            is distinct from (new.household, new.effective_parent, new.parent_uuid) as is_moved,
    new.*
from new
join pg_temp.fold_was as was on was.of_source = new.source and was._id = new.area_uuid
where was.source is null or (
    was.name, was.contact_type, was.parent_uuid, was.effective_parent, was.household, was.is_muted, was.is_orphan,
    was.in_cycle,
    was.direct_persons, was.direct_persons_muted, was.direct_persons_deceased,
    was.direct_patients, was.direct_patients_muted, was.direct_patients_deceased,
    was.direct_households, was.direct_staff, was.direct_in_household,
    was.total_persons, was.total_persons_muted, was.total_persons_deceased,
    was.total_patients, was.total_patients_muted, was.total_patients_deceased,
    was.total_households, was.total_staff, was.total_in_household
) is distinct from (
    new.name, new.contact_type, new.parent_uuid, new.effective_parent, new.household, new.is_muted, new.is_orphan,
    new.in_cycle,
    new.direct_persons, new.direct_persons_muted, new.direct_persons_deceased,
    new.direct_patients, new.direct_patients_muted, new.direct_patients_deceased,
    new.direct_households, new.direct_staff, new.direct_in_household,
    new.total_persons, new.total_persons_muted, new.total_persons_deceased,
    new.total_patients, new.total_patients_muted, new.total_patients_deceased,
    new.total_households, new.total_staff, new.total_in_household
);

insert into pg_temp.fold_area (is_gone, is_moved, source, area_uuid)
select true, was.household, contact.source, contact._id
from pg_temp.fold_contact as contact
join pg_temp.fold_was as was on was.of_source = contact.source and was._id = contact._id
where contact.is_gone and contact.kind is distinct from 'place';

-- The rest of what is otherwise.
create temporary table fold_person on commit drop as
select
    contact.kind is distinct from 'person' as is_gone,
    contact.kind is distinct from 'person' or contact.was_place is distinct from coalesce(contact.up, '') as is_moved,
    contact.source,
    contact._id as uuid,
    coalesce(contact.up, '') collate "C" as place,
    not contact.is_orphan or contact.up is null as is_direct,
    contact.is_patient,
    contact.is_deceased,
    contact.is_muted,
    contact.is_staff,
    contact.in_household,
    contact.sex,
    contact.band,
    contact.turns_on
from pg_temp.fold_contact as contact
where case
    when contact.kind = 'person' then (
        contact.was_place, contact.was_direct, contact.was_patient, contact.was_deceased, contact.was_muted,
        contact.was_staff, contact.was_in_household, contact.was_sex, contact.was_band, contact.was_turns_on
    ) is distinct from (
        coalesce(contact.up, ''), not contact.is_orphan or contact.up is null, contact.is_patient, contact.is_deceased,
        contact.is_muted, contact.is_staff, contact.in_household, contact.sex, contact.band, contact.turns_on
    )
    else contact.was_place is not null
end;

create temporary table fold_orphan on commit drop as
select
    not contact.is_orphan as is_gone,
    contact.source,
    contact._id as uuid,
    contact.kind = 'person' as is_person,
    contact.parent_uuid,
    contact.up as effective_parent
from pg_temp.fold_contact as contact
where (contact.is_orphan or contact.was_orphan) and (
    contact.is_orphan <> contact.was_orphan
    or (contact.orphan_is_person, contact.orphan_parent, contact.orphan_up)
        is distinct from (contact.kind = 'person', contact.parent_uuid, contact.up)
);

create temporary table fold_chain on commit drop as
select
    chain.now is null as is_gone,
    contact.source,
    contact._id as uuid,
    chain.position::int as position,
    chain.now collate "C" as ancestor
from pg_temp.fold_contact as contact
cross join lateral unnest(contact.lineage, contact.was_lineage) with ordinality as chain (now, was, position)
where chain.now is distinct from chain.was;

create temporary table fold_cycle on commit drop as
select circle._id is null as is_gone, known.source, known.uuid, circle.top
from (
    select kept.source, kept.uuid
    from model_data.cycle as kept
    join pg_temp.fold_source on fold_source.source = kept.source
    union
    select circle.source, circle._id
    from pg_temp.fold_circle as circle
) as known
left join pg_temp.fold_circle as circle on circle.source = known.source and circle._id = known.uuid
left join model_data.cycle as kept on kept.source = known.source and kept.uuid = known.uuid
where kept.top is distinct from circle.top;
