-- Which models are behind the others, for those who read them; and what the checks have to look at again because of it.

create view ops.model_behind as
select known.model, noted.source
from (select distinct state.model from ops.model_state as state) as known
cross join ops.model_source as noted
left join ops.model_state as state on state.model = known.model and state.source = noted.source
where state.batch is distinct from noted.batch;
comment on view ops.model_behind is 'The models that have not taken in what the others have of a source: they fail, or what they read does';

-- `refused` is left out: its hash is of its rows.
create view ops.definition as
select md5(coalesce(string_agg(relation.name || ' ' || relation.hash, ' ' order by relation.name), '')) as digest
from ops.relation
where relation.name <> 'refused';
comment on view ops.definition is 'A digest of the files that the models, the views and the counts are made from';

alter table ops.check_state
    add column definition text not null default '',
    add column is_behind boolean not null default false;
comment on column ops.check_state.definition is 'ops.definition as it saw it: rows made anew are of no document that has changed';
comment on column ops.check_state.is_behind is 'It has missed changes that others have looked at, and looks at everything the next time';
