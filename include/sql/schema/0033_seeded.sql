-- A first copy that was taken from couch2pg's table instead of from CouchDB is not trusted until it was compared.

alter table ops.checkpoint add column seeded_at timestamptz;
comment on column ops.checkpoint.seeded_at is
    'When the copy was begun from couch2pg''s table; null once it was compared with CouchDB or read again: until then its numbers are not complete';
