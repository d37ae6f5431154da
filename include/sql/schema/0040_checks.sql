-- What the checks of the models and the counts have found, and what they have yet to look at.

create table ops.check_state (
    name text collate "C" primary key,
    hash text not null,
    versions jsonb not null,
    level text not null check (level in ('fail', 'warn')),
    found bigint not null,
    whole_on date not null,
    checked_at timestamptz not null default now()
);
comment on table ops.check_state is 'One row a check: when it was last made, and how many rows it found wrong then';
comment on column ops.check_state.level is 'fail: cht_marts is red while it finds something; warn: its log says so';
comment on column ops.check_state.versions is 'ops.relation.version of each relation that it reads, as it saw them';
comment on column ops.check_state.whole_on is 'The day on which it last looked at everything, not only at what had changed';

create table ops.check_result (
    source text collate "C" not null,
    name text collate "C" not null,
    found bigint not null,
    problems text[] not null,
    areas text[] not null,
    since timestamptz not null default now(),
    told_at timestamptz,
    primary key (source, name)
);
comment on table ops.check_result is 'One row a source and check that finds something wrong there; gone once it finds nothing';
comment on column ops.check_result.problems is 'What is wrong, in the words of the check';
comment on column ops.check_result.areas is 'Some of the areas where it is; empty where the check is of no area';
comment on column ops.check_result.since is 'When it was first found';
comment on column ops.check_result.told_at is 'When somebody was last told: once a day while it lasts';

create table ops.check_source (
    source text collate "C" primary key,
    batch bigint not null
);
comment on table ops.check_source is 'The batch up to which the checks have looked at each source''s documents';

create table ops.area_to_check (
    source text collate "C" not null,
    area_uuid text collate "C" not null
);
comment on table ops.area_to_check is 'The areas whose counts were written since the last checks; one may be there twice';

create view marts.checked as
select
    state.name,
    state.level,
    result.source,
    coalesce(result.found, 0) as found,
    result.problems,
    result.since,
    state.checked_at
from ops.check_state as state
left join ops.check_result as result on result.name = state.name;
comment on view marts.checked is 'One row a check, or a check and source where it finds something wrong';
comment on column marts.checked.level is 'fail: numbers are wrong; warn: worth looking at';
comment on column marts.checked.source is 'Where it is wrong; null where nothing is';

create table ops.to_recount (
    source text collate "C" primary key references ops.source on delete cascade
);
comment on table ops.to_recount is 'Sources of which somebody asked that their areas are counted from nothing, by the next run of cht_marts';
