-- One row per telemetry document, with the device that it describes.
-- period_start: As in models.telemetry
-- device_manufacturer: The device's manufacturer, if it runs the Android app
-- device_model: The device's model, if it runs the Android app
-- user_agent: The user agent of the browser, or of Android's web view
-- cht_android_version: The version of the Android app
-- android_version: The version of Android
-- storage_free, storage_total: In bytes
-- network_up_speed, network_down_speed: As the device measured it
-- device_id: The id of the device
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
