-- Zeros have no row. Most places are households, in which most of the bands are empty.
create table model_data.place_band_count (
    source text collate "C" not null,
    area_uuid text collate "C" not null,
    sex text collate "C" not null,
    band text collate "C" not null,
    direct_persons integer not null,
    direct_patients integer not null,
    total_persons integer not null,
    total_patients integer not null,
    primary key (source, area_uuid, sex, band)
) with (fillfactor = 75);
comment on table model_data.place_band_count is 'One row a place (empty: none),
    sex and band of ages with somebody alive in it, muted or not';
