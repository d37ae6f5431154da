-- Reports that were archived stay in the models, and so in months and history; contacts leave.

-- Whether a document is one of the models': of those that aren't live, reports that were archived.
create function cht.is_modelled(is_deleted boolean, gone text, type text) returns boolean
language sql immutable parallel safe
return not is_deleted and (gone is null or (gone = 'archived' and type = 'data_record'));

-- Those that left with their archiving come back, by a run that does these models whole.
update ops.model_state set batch = 0
where model_state.model in ('data_record', 'report')
    and model_state.source in (select verification.source from ops.verification where verification.archived > 0);
