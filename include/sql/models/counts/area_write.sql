-- Writes the differences that place_count.sql or area_change.sql has found: unchanged counts cost no write, and nothing that
-- reads them is refreshed. Returns how many rows were written of what people read, how many persons are counted in another
-- place, and how many more rows of what the next change is counted from.
with area_gone as (
    delete from model_data.place_count as kept
    using pg_temp.fold_area as new
    where new.is_gone and kept.source = new.source and kept.area_uuid = new.area_uuid
    returning 1
),

area_written as (
    insert into model_data.place_count (
        source, area_uuid, name, contact_type, parent_uuid, effective_parent, household, is_muted, is_orphan, in_cycle,
        direct_persons, direct_persons_muted, direct_persons_deceased,
        direct_patients, direct_patients_muted, direct_patients_deceased,
        direct_households, direct_staff, direct_in_household,
        total_persons, total_persons_muted, total_persons_deceased,
        total_patients, total_patients_muted, total_patients_deceased,
        total_households, total_staff, total_in_household
    )
    select
        new.source, new.area_uuid, new.name, new.contact_type, new.parent_uuid, new.effective_parent, new.household,
        new.is_muted, new.is_orphan, new.in_cycle,
        new.direct_persons, new.direct_persons_muted, new.direct_persons_deceased,
        new.direct_patients, new.direct_patients_muted, new.direct_patients_deceased,
        new.direct_households, new.direct_staff, new.direct_in_household,
        new.total_persons, new.total_persons_muted, new.total_persons_deceased,
        new.total_patients, new.total_patients_muted, new.total_patients_deceased,
        new.total_households, new.total_staff, new.total_in_household
    from pg_temp.fold_area as new
    where not new.is_gone
    on conflict (source, area_uuid) do update set
        name = excluded.name,
        contact_type = excluded.contact_type,
        parent_uuid = excluded.parent_uuid,
        effective_parent = excluded.effective_parent,
        household = excluded.household,
        is_muted = excluded.is_muted,
        is_orphan = excluded.is_orphan,
        in_cycle = excluded.in_cycle,
        direct_persons = excluded.direct_persons,
        direct_persons_muted = excluded.direct_persons_muted,
        direct_persons_deceased = excluded.direct_persons_deceased,
        direct_patients = excluded.direct_patients,
        direct_patients_muted = excluded.direct_patients_muted,
        direct_patients_deceased = excluded.direct_patients_deceased,
        direct_households = excluded.direct_households,
        direct_staff = excluded.direct_staff,
        direct_in_household = excluded.direct_in_household,
        total_persons = excluded.total_persons,
        total_persons_muted = excluded.total_persons_muted,
        total_persons_deceased = excluded.total_persons_deceased,
        total_patients = excluded.total_patients,
        total_patients_muted = excluded.total_patients_muted,
        total_patients_deceased = excluded.total_patients_deceased,
        total_households = excluded.total_households,
        total_staff = excluded.total_staff,
        total_in_household = excluded.total_in_household
    returning 1
),

orphan_gone as (
    delete from model_data.orphan as kept
    using pg_temp.fold_orphan as new
    where new.is_gone and kept.source = new.source and kept.uuid = new.uuid
    returning 1
),

orphan_written as (
    insert into model_data.orphan (source, uuid, is_person, parent_uuid, effective_parent)
    select new.source, new.uuid, new.is_person, new.parent_uuid, new.effective_parent
    from pg_temp.fold_orphan as new
    where not new.is_gone
    on conflict (source, uuid) do update set
        is_person = excluded.is_person,
        parent_uuid = excluded.parent_uuid,
        effective_parent = excluded.effective_parent
    returning 1
),

cycle_gone as (
    delete from model_data.cycle as kept
    using pg_temp.fold_cycle as new
    where new.is_gone and kept.source = new.source and kept.uuid = new.uuid
    returning 1
),

cycle_written as (
    insert into model_data.cycle (source, uuid, top)
    select new.source, new.uuid, new.top
    from pg_temp.fold_cycle as new
    where not new.is_gone
    on conflict (source, uuid) do update set top = excluded.top
    returning 1
),

person_gone as (
    delete from model_data.counted_person as kept
    using pg_temp.fold_person as new
    where new.is_gone and kept.source = new.source and kept.uuid = new.uuid
    returning 1
),

person_written as (
    insert into model_data.counted_person (
        source, uuid, place, is_direct, is_patient, is_deceased, is_muted, is_staff, in_household, sex, band, turns_on
    )
    select
        new.source, new.uuid, new.place, new.is_direct, new.is_patient, new.is_deceased, new.is_muted, new.is_staff,
        new.in_household, new.sex, new.band, new.turns_on
    from pg_temp.fold_person as new
    where not new.is_gone
    on conflict (source, uuid) do update set
        place = excluded.place,
        is_direct = excluded.is_direct,
        is_patient = excluded.is_patient,
        is_deceased = excluded.is_deceased,
        is_muted = excluded.is_muted,
        is_staff = excluded.is_staff,
        in_household = excluded.in_household,
        sex = excluded.sex,
        band = excluded.band,
        turns_on = excluded.turns_on
    returning 1
),

chain_gone as (
    delete from model_data.orphan_chain as kept
    using pg_temp.fold_chain as new
    where new.is_gone and kept.source = new.source and kept.uuid = new.uuid and kept.position = new.position
    returning 1
),

chain_written as (
    insert into model_data.orphan_chain (source, uuid, position, ancestor)
    select new.source, new.uuid, new.position, new.ancestor
    from pg_temp.fold_chain as new
    where not new.is_gone
    on conflict (source, uuid, position) do update set ancestor = excluded.ancestor
    returning 1
),

moved as (
    select count(*) as persons
    from pg_temp.fold_person as new
    where new.is_moved
)

select
    (select count(*) from area_gone) + (select count(*) from area_written)
    + (select count(*) from orphan_gone) + (select count(*) from orphan_written)
    + (select count(*) from cycle_gone) + (select count(*) from cycle_written) as read,
    (select persons from moved) as moved,
    (select count(*) from person_gone) + (select count(*) from person_written) - (select persons from moved)
    + (select count(*) from chain_gone) + (select count(*) from chain_written) as kept
