"""The views v1.couchdb and v1.couchdb_progress, for what was made to read couch2pg's tables.

Incremental models read what is later than the latest that they have, over all sources. So a document's time there isn't
that of its page, which may be committed after a later one, but that of the run of the models that took it in: there is
one at a time, and its time is later than every one before.
"""

from cht_sync import instances, sql, warehouse


def name(connection: warehouse.Connection, instance: instances.Instance) -> None:
    """Notes what v1 calls the sources of an instance: `source_name` of include/instances.toml and the database."""
    named = {source: instance.shown(database) for source, database in instance.sources.items()}
    connection.execute(
        """
        update ops.source set name = given.name
        from unnest(%s::text[], %s::text[]) as given (source, name)
        where source.source = given.source and source.name is distinct from given.name
        """,
        [list(named), list(named.values())],
    )


def publish(connection: warehouse.Connection) -> None:
    """Shows, in the models' transaction, what it takes in."""
    behind = connection.execute(sql.read("models/v1/publish")).fetchall()
    others = connection.execute("select count(*) > 1 from ops.checkpoint").fetchone()
    if not behind or others != (True,):
        return
    sources, after, upto = zip(*behind, strict=True)
    connection.execute(
        sql.read("models/v1/fresh"), {"sources": list(sources), "after": list(after), "upto": list(upto)}
    )
    connection.execute("analyze pg_temp.fresh")
    connection.execute(sql.read("models/v1/shadow"))
