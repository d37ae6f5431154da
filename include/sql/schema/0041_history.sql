-- The past: who is no longer there and counts for the days before, and which counted days something has changed in since.

alter table history.area_day add column removed bigint not null default 0;
comment on column history.area_day.persons is 'Registered by the end of the day and not yet removed, the deceased too, counted where they are now';
comment on column history.area_day.registered is 'Persons whose reported_date is on the day, those removed since too';
comment on column history.area_day.removed is 'Persons who were found to be gone on the day: they count on the days before';

create table history.removed_person (
    source text collate "C" not null,
    uuid text collate "C" not null,
    lineage text[] collate "C" not null,
    registered timestamptz,
    died_on date,
    died_at timestamptz,
    is_patient boolean not null,
    is_deceased boolean not null,
    removed_at timestamptz not null,
    primary key (source, uuid)
);
comment on table history.removed_person is 'One row a person who was counted and is no longer there: deleted, purged, archived, or no person any more';
comment on column history.removed_person.lineage is 'The place in which the person was counted, and those above it then, the nearest first: the first that is there is where it counts';
comment on column history.removed_person.registered is 'registered, died_on, died_at, is_patient, is_deceased: as models.person had them';
comment on column history.removed_person.removed_at is 'When the copy first had the person no more';

create table ops.touched (
    run bigint generated always as identity primary key,
    since timestamptz not null
);
comment on table ops.touched is 'Runs of the models that changed what days are counted from; a run is taken out by a later one that reaches back as far';
comment on column ops.touched.since is 'The earliest moment that the run has changed anything at, to the hour: the days from then on have to be counted again';

create table ops.counted_day (
    day date primary key,
    ends timestamptz not null,
    run bigint not null
);
comment on table ops.counted_day is 'One row a day that history.area_day has, with the latest run of ops.touched that its counting has seen';

comment on column ops.counted_day.ends is 'The moment at which it ends in the deployment''s time zone';

-- in whatever time zone
insert into ops.counted_day (day, ends, run)
select distinct area_day.day, (area_day.day + 1)::timestamp at time zone 'UTC' + interval '12 hours', 0
from history.area_day;

-- As before; and whoever was removed is erased from the past, too.
create or replace function cht.erase_again(of_instance text)
returns table (source text, documents bigint, refused bigint, waits boolean)
language plpgsql as $$
declare
    each record;
begin
    -- as a page does: what an extraction commits before is seen here, and what it writes after sees ops.erased
    for each in
        select checkpoint.source, checkpoint.mode
        from ops.checkpoint
        join ops.source as known on known.source = checkpoint.source
        where known.instance = of_instance
        order by checkpoint.source
        for update of checkpoint
    loop
        source := each.source;
        waits := each.mode in ('replace', 'copying');
        documents := 0;
        delete from history.removed_person as kept
        where kept.source = each.source and cht.is_erased(kept.source, kept.uuid, null);
        delete from ops.rejected_document as kept
        where kept.source = each.source and cht.is_erased_unread(kept.source, kept.id, kept.body);
        get diagnostics refused = row_count;
        delete from staging.next_rejected as kept
        where kept.source = each.source and cht.is_erased_unread(kept.source, kept.id, kept.body);
        update staging.next set doc = null, type = null, gone = 'erased'
        where next.source = each.source and next.doc is not null and cht.is_erased(next.source, next._id, next.doc);
        if not waits then
            update staging.document set
                doc = null,
                type = null,
                altered = false,
                gone = 'erased',
                saved_timestamp = now(),
                batch = (select checkpoint.batch + 1 from ops.checkpoint where checkpoint.source = each.source)
            where document.source = each.source
                and document.doc is not null
                and cht.is_erased(document.source, document._id, document.doc);
            get diagnostics documents = row_count;
        end if;
        if documents > 0 then
            update ops.checkpoint set batch = batch + 1 where checkpoint.source = each.source;
        end if;
        return next;
    end loop;
end
$$;
