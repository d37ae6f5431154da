-- The views that the checks read if they look at everything, as far as the models have taken it in.
create temporary view document as
select
    document.source,
    document._id,
    document.type,
    document.saved_timestamp,
    cht.is_modelled(document._deleted, document.gone, document.type) as is_live
from ops.model_source as noted
join staging.document as document on document.source = noted.source and document.batch <= noted.batch;

create temporary view area as
select kept.source, kept.area_uuid
from model_data.place_count as kept;
