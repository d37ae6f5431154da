"""The views v1.couchdb and v1.couchdb_progress, for software that was written for couch2pg's tables.

Incremental models read the rows that are later than the latest one they have, over all sources. A page may be committed
after a later page. So a document does not have the time of its page there, but the time of the run of the models that
took it in. Only one run works at a time, and its time is later than all times before.
"""

from cht_sync import instances, sql, warehouse


def name(connection: warehouse.Connection, instance: instances.Instance) -> None:
    """Notes the names of an instance's sources in v1: `source_name` of include/instances.toml, and the database."""
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
    """Publishes the batches that a run takes in, in the transaction of the models."""
    due = connection.execute(sql.read("models/v1/publish")).fetchall()
    others = connection.execute("select count(*) > 1 from ops.checkpoint").fetchone()
    if not due or others != (True,):
        return
    sources, after, upto = zip(*due, strict=True)
    connection.execute(
        sql.read("models/v1/fresh"), {"sources": list(sources), "after": list(after), "upto": list(upto)}
    )
    connection.execute("analyze pg_temp.fresh")
    connection.execute(sql.read("models/v1/shadow"))
