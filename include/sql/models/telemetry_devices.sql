-- One row a telemetry document, with the device that it tells of.
-- period_start: As in models.telemetry
-- device_manufacturer, device_model: Of the device, where it runs the Android app
-- user_agent: Of the browser, or of the part of Android that shows the app
-- cht_android_version: Of the Android app
-- android_version: Of Android
-- storage_free, storage_total: Bytes
-- network_up_speed, network_down_speed: As the device tells them
-- device_id: Of the device
-- key: source, _id
-- after: telemetry
select
    telemetry.source,
    telemetry._id,
    telemetry.uuid,
    telemetry.saved_timestamp,
    telemetry.period_start,
    device.info #>> '{hardware,manufacturer}' as device_manufacturer,
    device.info #>> '{hardware,model}' as device_model,
    document.doc #>> '{device,userAgent}' as user_agent,
    device.info #>> '{app,version}' as cht_android_version,
    device.info #>> '{software,androidVersion}' as android_version,
    device.info #>> '{storage,free}' as storage_free,
    device.info #>> '{storage,total}' as storage_total,
    device.info #>> '{network,upSpeed}' as network_up_speed,
    device.info #>> '{network,downSpeed}' as network_down_speed,
    telemetry.device_id
from document
join models.telemetry as telemetry on telemetry.source = document.source and telemetry._id = document._id
cross join lateral (select document.doc #> '{device,deviceInfo}' as info) as device
where document.type = 'telemetry'
