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

-- Where nothing came in since, numbers made earlier are as of now, without a refresh to move them on; but not where a
-- model that the mart reads is behind.
create or replace view marts.freshness as
with mart as (
    select
        state.mart,
        carried.source,
        carried.as_of,
        state.refreshed_at,
        state.versions = (
            select coalesce(jsonb_object_agg(relation.name, relation.version), '{}')
            from ops.relation
            where relation.name = any(state.reads)
        ) and not exists (
            select
            from ops.model_behind as behind
            where behind.source = carried.source and behind.model = any(state.reads)
        ) as is_current
    from ops.mart_state as state
    join ops.mart_source as carried on carried.mart = state.mart
)
select
    mart.mart,
    mart.source,
    case
        when not mart.is_current then mart.as_of
        when noted.batch = checkpoint.batch then checkpoint.caught_up_at
        else noted.caught_up_at
    end as as_of,
    case when mart.is_current then noted.caught_up_at else mart.as_of end is not null as complete,
    mart.is_current,
    mart.refreshed_at
from mart
left join ops.model_source as noted on noted.source = mart.source
left join ops.checkpoint as checkpoint on checkpoint.source = mart.source;
comment on column marts.freshness.is_current is 'false where the models have changed since the refresh, or one that it reads is behind';
