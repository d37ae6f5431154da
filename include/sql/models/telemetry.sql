-- One row per telemetry document: what the app measured on one device in a day, or in a month if the document is older.
-- period_start: The day, or the first day of the month, at midnight UTC; apps before 3.8.0 count months from 0
-- user_name: The app's user, without org.couchdb.user:
-- app_version: The version of the app
-- boot_time_min: The shortest start of the app, in milliseconds
-- boot_time_max: The longest start of the app, in milliseconds
-- boot_time_count: How often the app was started
-- doc_count_on_local_db: The number of documents on the device
-- device_id: The id of the device
-- key: source, _id
-- index: source, period_start
select
    document.source,
    document._id,
    document._id as uuid,
    document.saved_timestamp,
    cht.iso(concat(
        day.year,
        '-', lpad(case when day.month ~ '^[0-9][0-9]?$' then (day.month::int + day.months_before)::text end, 2, '0'),
        '-', case when day.of_month ~ '^[0-9][0-9]?$' then lpad(day.of_month, 2, '0') end
    )) as period_start,
    doc.metadata ->> 'user' as user_name,
    doc.metadata #>> '{versions,app}' as app_version,
    doc.metrics #>> '{boot_time,min}' as boot_time_min,
    doc.metrics #>> '{boot_time,max}' as boot_time_max,
    doc.metrics #>> '{boot_time,count}' as boot_time_count,
    doc."dbInfo" ->> 'doc_count' as doc_count_on_local_db,
    doc.metadata ->> 'deviceId' as device_id
from document
cross join lateral jsonb_to_record(document.doc) as doc (metadata jsonb, metrics jsonb, "dbInfo" jsonb)
cross join lateral (
    select
        doc.metadata ->> 'year' as year,
        doc.metadata ->> 'month' as month,
        coalesce(doc.metadata ->> 'day', '1') as of_month,
        case when cht.version(doc.metadata #>> '{versions,app}') < '{3,8,0}' then 1 else 0 end as months_before
) as day
where document.type = 'telemetry'
