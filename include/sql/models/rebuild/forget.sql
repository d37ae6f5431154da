-- Forgets the progress of a rebuild in a source whose partition was rewritten since it began: it has another file.
delete from ops.rebuild_source as kept
where kept.model = %(model)s and kept.source = %(source)s and kept.storage is distinct from %(storage)s::oid
