-- Each place has the numbers directly in it, and the totals with everything below it. A place passes its total up, with its
-- own muting applied. A row does not depend on the muting of places above it, so muting a district changes few rows;
-- models.area_count applies it. The fillfactor leaves room, so that numbers can change within their page.
create table model_data.place_count (
    source text collate "C" not null,
    area_uuid text collate "C" not null,
    name text,
    contact_type text collate "C",
    parent_uuid text collate "C",
    effective_parent text collate "C",
    household boolean not null,
    is_muted boolean not null,
    is_orphan boolean not null,
    in_cycle boolean not null,
    direct_persons integer not null,
    direct_persons_muted integer not null,
    direct_persons_deceased integer not null,
    direct_patients integer not null,
    direct_patients_muted integer not null,
    direct_patients_deceased integer not null,
    direct_households integer not null,
    direct_staff integer not null,
    direct_in_household integer not null,
    total_persons integer not null,
    total_persons_muted integer not null,
    total_persons_deceased integer not null,
    total_patients integer not null,
    total_patients_muted integer not null,
    total_patients_deceased integer not null,
    total_households integer not null,
    total_staff integer not null,
    total_in_household integer not null,
    primary key (source, area_uuid)
) with (fillfactor = 75);
comment on table model_data.place_count is 'One row a live place with what is counted in it,
    and one a source with an empty area_uuid for persons in no place';
comment on column model_data.place_count.is_muted is 'Muted itself; what lies above is not looked at here';
comment on column model_data.place_count.direct_persons_muted is 'Those alive who are muted themselves';
comment on column model_data.place_count.total_persons_muted is 'Those of them, and those alive in a muted place below';
