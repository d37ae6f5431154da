-- What copying a source anew needs: which documents were met, and the new copy while it is not yet to be seen; how far
-- refused documents were tried again; and views of what was refused.

alter table ops.checkpoint add column base bigint;
alter table ops.checkpoint add column replay bytea;
-- what is set aside is compared with the copy that is seen: nothing may be written to that one meanwhile, by whomever
alter table ops.checkpoint add constraint checkpoint_base_check
    check (mode not in ('resync', 'replace') or (base is not null and (mode = 'resync' or batch = base)));
comment on column ops.checkpoint.base is 'The batch at which a resync or a replace began: what has a later one was written since';
comment on column ops.checkpoint.replay is 'The last refused id that an unfinished replay has tried; null where none is asked for';

-- Logged, as all that has to outlive a crash of the server: ids lost would be documents taken for gone. Without an index:
-- it is written a page at a time, and read once.
create table staging.seen (
    source text collate "C" not null,
    id bytea not null
);
comment on table staging.seen is 'What an unfinished resync or replace has met and found unchanged or refused; an id may be there twice';
comment on column staging.seen.id is 'As in ops.rejected_document';

create table staging.next (like staging.document including defaults including constraints, primary key (source, _id));
comment on table staging.next is 'What an unfinished replace has met that differs from staging.document; its end puts all of it there at once';

create table staging.next_rejected (like ops.rejected_document, primary key (source, id));
comment on table staging.next_rejected is 'What an unfinished replace has refused';

-- An id as text, or null where it is none that Postgres can hold.
create function cht.try_text(value bytea) returns text
language plpgsql immutable parallel safe as $$
begin
    return convert_from(value, 'UTF8');
exception
    when data_exception then
        return null;
end
$$;

create view ops.rejected as
select
    refused.source,
    cht.try_text(refused.id) as _id,
    refused.reason,
    refused._rev,
    refused.batch,
    octet_length(refused.body) as bytes,
    refused.rejected_at as since,
    document._rev as counted_rev
from ops.rejected_document as refused
left join staging.document as document
    on document.source = refused.source
    and document._id = cht.try_text(refused.id)
    and not document._deleted
    and document.gone is null;
comment on view ops.rejected is 'Documents that could not be staged, for operators: which, why, since when; without what is in them';
comment on column ops.rejected._id is 'Null where it is no text that Postgres can hold; ops.rejected_document has its bytes';
comment on column ops.rejected.bytes is 'Of the document as it is kept; null where it could not be read, or not be redacted';
comment on column ops.rejected.counted_rev is 'The earlier revision that counts until a later one can be staged; null where there is none, and nothing counts';

create view marts.refused as
select
    refused.source,
    count(*) as documents,
    count(*) filter (where refused.counted_rev is not null) as counted_as_before,
    count(*) filter (where refused.counted_rev is null) as not_counted,
    min(refused.since) as since
from ops.rejected as refused
group by refused.source;
comment on view marts.refused is 'What a source''s numbers leave out: documents whose latest revision could not be taken in; no row where there are none';
comment on column marts.refused.counted_as_before is 'Those that count as they were before, until the latest revision is taken in';
comment on column marts.refused.not_counted is 'Those that do not count at all';
