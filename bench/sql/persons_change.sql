-- A page of %(rows)s persons from all over the county: a quarter each died, was muted, moved to another household, and is
-- new.
with page as (
    update ops.checkpoint set batch = batch + 1, reads = reads + 1 where source = %(source)s returning batch
),

chosen as (
    select picked.n, (picked.n * 7919 + %(round)s::bigint * 104729 + 17) %% %(persons)s as person
    from generate_series(0, %(rows)s - 1) as picked (n)
),

made as (
    select
        case when chosen.n %% 4 = 3 then bench.id('new', %(round)s::bigint * 1000000 + chosen.n)
            else bench.id('person', chosen.person) end as _id,
        case chosen.n %% 4
            when 0 then bench.person(chosen.person) || '{"date_of_death": "2026-06-01"}'
            when 1 then bench.person(chosen.person) || '{"muted": "2026-06-01T08:00:00.000Z"}'
            when 2 then bench.person(chosen.person) || jsonb_build_object(
                'parent', bench.household((chosen.person / 5 + 4321) %% %(households)s)
            )
            else bench.person(chosen.person) || jsonb_build_object(
                '_id', bench.id('new', %(round)s::bigint * 1000000 + chosen.n),
                'patient_id', 'n' || %(round)s::bigint * 1000000 + chosen.n
            )
        end as doc
    from chosen
)

insert into staging.document as kept (source, _id, _rev, _deleted, type, saved_timestamp, batch, redaction_version, doc)
select %(source)s, made._id, '2-' || md5(page.batch::text || made._id), false, 'person', now(), page.batch, 1, made.doc
from made
cross join page
on conflict (source, _id) do update set _rev = excluded._rev, batch = excluded.batch, doc = excluded.doc;
