-- No last menstruation begins after the day on which it was reported.
-- level: warn
-- every: run
-- reads: pregnancy
-- repair: Correct the form: it accepts a date in the future
select
    pregnancy.source,
    pregnancy.area_uuid,
    'a last menstruation after the report' as problem
from document
join models.pregnancy as pregnancy on pregnancy.source = document.source and pregnancy._id = document._id
-- one day more: the date in any time zone is at most one day ahead of the date in UTC
where pregnancy.lmp_on > (pregnancy.reported at time zone 'UTC')::date + 1
