-- No last menstruation begins after the day on which it was reported.
-- level: warn
-- every: run
-- reads: pregnancy
-- repair: Look at the form: it takes a date in the future
select
    pregnancy.source,
    pregnancy.area_uuid,
    'a last menstruation after the report' as problem
from document
join models.pregnancy as pregnancy on pregnancy.source = document.source and pregnancy._id = document._id
-- a day more, since nobody's day is more than one ahead of UTC's
where pregnancy.lmp_on > (pregnancy.reported at time zone 'UTC')::date + 1
