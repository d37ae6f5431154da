-- Forgets how far a model is in a source whose partition has another file than it was begun with.
delete from ops.rebuild_source as kept
where kept.model = %(model)s and kept.source = %(source)s and kept.storage is distinct from %(storage)s::oid
