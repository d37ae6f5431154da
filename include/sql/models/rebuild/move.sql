-- Notes that a chunk is done. No row is updated if the partition was rewritten meanwhile, since that moves its documents.
update ops.rebuild_source as kept set
    upto = %(upto)s,
    rows_written = kept.rows_written + %(rows)s
where kept.model = %(model)s
    and kept.source = %(source)s
    and kept.storage = (
        select pg_relation_filenode(document.tableoid)
        from staging.document
        where document.source = %(source)s
        limit 1
    )
