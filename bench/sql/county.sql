-- The documents of one source, made in the database: %(households)s households of five persons, 21 households an area, 40
-- areas a centre, 10 centres a district, a worker with an account an area, and %(reports)s reports. Every place and person
-- has a number, and an _id made from it. Documents are about as long as the CHT's: a person 800 bytes, a report 1,200.
create schema bench;

create function bench.id(kind text, n bigint) returns text
language sql immutable parallel safe
return md5(kind || n)::uuid::text;

create function bench.within(variadic ids text[]) returns jsonb
language sql immutable parallel safe
return (
    select ('{"_id": "' || string_agg(id, '", "parent": {"_id": "' order by position) || '"' || repeat('}',
        count(*)::int))::jsonb
    from unnest(ids) with ordinality as above (id, position)
);

create function bench.area(n bigint) returns jsonb
language sql immutable parallel safe
return bench.within(bench.id('area', n), bench.id('centre', n / 40), bench.id('district', n / 400));

create function bench.household(n bigint) returns jsonb
language sql immutable parallel safe
return bench.within(
    bench.id('household', n), bench.id('area', n / 21), bench.id('centre', n / 840), bench.id('district', n / 8400)
);

create function bench.document(kind text, n bigint, type text, parent jsonb, more jsonb) returns jsonb
language sql immutable parallel safe
return jsonb_build_object(
    '_id', bench.id(kind, n),
    '_rev', '1-' || md5(kind || n),
    'type', type,
    'name', initcap(substr(md5('first' || n), 1, 8)) || ' ' || initcap(substr(md5('last' || n), 1, 9)),
    'reported_date', 1600000000000 + n %% 20000000 * 7777,
    'meta', jsonb_build_object(
        'created_by', 'user' || n %% 9000,
        'created_by_person_uuid', bench.id('worker', n %% 9000),
        'created_by_place_uuid', bench.id('area', n %% 9000)
    )
) || coalesce(jsonb_build_object('parent', parent), '{}') || more;

create function bench.person(n bigint) returns jsonb
language sql immutable parallel safe
return bench.document('person', n, 'person', bench.household(n / 5), jsonb_build_object(
    'role', 'patient',
    'sex', case when n %% 2 = 0 then 'male' else 'female' end,
    'date_of_birth', (date '2026-01-01' - (n * 7919 %% 30000)::int)::text,
    'phone', '+2547' || lpad((n %% 100000000)::text, 8, '0'),
    'notes', repeat(md5('notes' || n), 5)
) || case when n %% 40 = 0 then '{}' else jsonb_build_object('patient_id', lpad(n::text, 8, '0')) end
|| case n %% 60
    when 7 then '{"date_of_death": "2025-03-11"}'::jsonb
    when 9 then '{"muted": "2025-05-01T10:00:00.000Z"}'
    else '{}'
end);

create function bench.report(n bigint, person bigint) returns jsonb
language sql immutable parallel safe
return jsonb_build_object(
    '_id', bench.id('report', n),
    '_rev', '1-' || md5('report' || n),
    'type', 'data_record',
    'form', (array['pregnancy', 'visit', 'delivery', 'immunization', 'fever'])[1 + n %% 5],
    'content_type', 'xml',
    'reported_date', 1700000000000 + n %% 10000000 * 7000,
    'contact', bench.within(
        bench.id('worker', person / 105), bench.id('area', person / 105), bench.id('centre', person / 4200),
        bench.id('district', person / 42000)
    ),
    'from', '+2547' || lpad((person %% 100000000)::text, 8, '0'),
    'fields', jsonb_build_object(
        'patient_id', lpad(person::text, 8, '0'),
        'patient_uuid', bench.id('person', person),
        'patient_name', md5('name' || person),
        'visited_contact_uuid', bench.id('household', person / 5),
        'inputs', jsonb_build_object('source', 'contact', 'contact', jsonb_build_object('_id', bench.id('person',
            person))),
        'group', jsonb_build_object('danger_signs', 'no', 'visit', n %% 9, 'note', repeat(md5('note' || n), 4))
    ),
    'hidden_fields', '[]'::jsonb,
    'geolocation', jsonb_build_object('latitude', -1.2 - n %% 1000 / 1e4, 'longitude', 36.8, 'accuracy', 12)
);

create procedure bench.stage(of_source text, type text, query text)
language plpgsql as $$
begin
    execute format(
        'insert into staging.document (source, _id, _rev, _deleted, type, saved_timestamp, batch, redaction_version, doc)
         select %%L, made.doc ->> ''_id'', made.doc ->> ''_rev'', false, %%L, now(), 1, 1, made.doc
         from (%%s) as made (doc)', of_source, type, query
    );
end
$$;

call bench.stage(%(source)s, null, $$
    select '{"_id": "settings", "_rev": "1-a", "settings": {"contact_types": [
        {"id": "district_hospital"}, {"id": "health_center", "parents": ["district_hospital"]},
        {"id": "area", "parents": ["health_center"]}, {"id": "clinic", "parents": ["area"]},
        {"id": "person", "person": true, "parents": ["clinic", "area"]}
    ]}}'::jsonb
$$);

call bench.stage(%(source)s, 'district_hospital', format($$
    select bench.document('district', n, 'district_hospital', null, '{}')
    from generate_series(0, greatest(1, (%%s - 1) / 8400)) as n
$$, %(households)s));

call bench.stage(%(source)s, 'health_center', format($$
    select bench.document('centre', n, 'health_center', bench.within(bench.id('district', n / 10)), '{}')
    from generate_series(0, (%%s - 1) / 840) as n
$$, %(households)s));

call bench.stage(%(source)s, 'contact', format($$
    select bench.document(
        'area', n, 'contact', bench.within(bench.id('centre', n / 40), bench.id('district', n / 400)),
        jsonb_build_object('contact_type', 'area', 'contact', jsonb_build_object('_id', bench.id('worker', n)))
    )
    from generate_series(0, (%%s - 1) / 21) as n
$$, %(households)s));

call bench.stage(%(source)s, 'clinic', format($$
    select bench.document(
        'household', n, 'clinic', bench.area(n / 21),
        jsonb_build_object('contact', jsonb_build_object('_id', bench.id('person', n * 5)))
    )
    from generate_series(0, %%s - 1) as n
$$, %(households)s));

call bench.stage(%(source)s, 'person', format($$
    select bench.person(n) from generate_series(0, %%s * 5 - 1) as n
$$, %(households)s));

call bench.stage(%(source)s, 'person', format($$
    select bench.document('worker', n, 'person', bench.area(n), jsonb_build_object('patient_id', 'w' || n))
    from generate_series(0, (%%s - 1) / 21) as n
$$, %(households)s));

call bench.stage(%(source)s, 'user-settings', format($$
    select jsonb_build_object(
        '_id', 'org.couchdb.user:chw' || n, '_rev', '1-a', 'type', 'user-settings', 'name', 'chw' || n,
        'contact_id', bench.id('worker', n), 'facility_id', bench.id('area', n), 'roles', jsonb_build_array('chw')
    )
    from generate_series(0, (%%s - 1) / 21) as n
$$, %(households)s));

call bench.stage(%(source)s, 'data_record', format($$
    select bench.report(n, n %%%% (%%s * 5)) from generate_series(0, %%s - 1) as n
$$, %(households)s, %(reports)s));

update ops.checkpoint
set batch = 1, reads = 1, caught_up_at = now()
where source = %(source)s;
