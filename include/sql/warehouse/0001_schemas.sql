-- The schemas, from the copy to what people read. The ledger of migrations has made `ops`.

create schema cht;
create schema staging;
create schema models;
create schema model_data;
create schema marts;
create schema history;
create schema v1;

comment on schema ops is 'How far the copy is, what was rejected, what ran';
comment on schema cht is 'Functions of CHT Sync';
comment on schema staging is 'Documents as they are in CouchDB, one row for each id of a source';
comment on schema models is 'Documents as tables, and the counts of every area; read these';
comment on schema model_data is 'The tables of models; a rebuild replaces them: read models instead';
comment on schema marts is 'Small tables made for people and dashboards, refreshed when what they read changed';
comment on schema history is 'Counts of every past day';
comment on schema v1 is 'Documents and progress in the form of couch2pg, for what was made to read that';
