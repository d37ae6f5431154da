-- Notes the areas whose counts a change has written, for the checks that look at changes only.
insert into ops.area_to_check (source, area_uuid)
select made.source, made.area_uuid
from pg_temp.fold_area as made
where not made.is_gone
union
select made.source, made.area_uuid
from pg_temp.fold_band as made
except
select made.source, made.area_uuid
from pg_temp.fold_area as made
where made.is_gone
