"""Removes an instance from the warehouse, with everything that was copied and counted of it.

One transaction a source deletes everything except the partition of the documents. It begins with the checkpoint, so
that a running extraction can no longer write. The row of `ops.source` goes last, so that a killed removal is found
again. `ops.erased` stays: people who were erased on request must not come back with the instance.
"""

from contextlib import ExitStack

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import instances, sql, warehouse
from cht_sync.errors import ConfigurationInvalid


def left_over(connection: warehouse.Connection, configuration: instances.Configuration) -> list[str]:
    """The instances that are in the warehouse, but no longer in the file; in order."""
    named = [instance.name for instance in configuration.instances]
    rows = connection.execute(
        "select distinct instance from ops.source where instance <> all(%s) order by instance", [named]
    ).fetchall()
    return [instance for (instance,) in rows]


def remove(connection: warehouse.Connection, configuration: instances.Configuration, instance: str) -> list[str]:
    """Removes the instance from the warehouse; returns its sources.

    Raises AnotherRun, and ConfigurationInvalid if the instance is still in the file, or is not in the warehouse.
    """
    if instance in {each.name for each in configuration.instances}:
        raise ConfigurationInvalid(
            f"The instance {instance} is still in include/instances.toml",
            "Nothing was removed; take it out of the file first, and wait until its DAG is gone",
        )
    rows = connection.execute(
        "select source from ops.source where instance = %s order by source", [instance]
    ).fetchall()
    if not rows:
        over = ", ".join(left_over(connection, configuration)) or "none"
        raise ConfigurationInvalid(f"The warehouse has nothing of an instance {instance}", f"Left over are: {over}")
    sources = [source for (source,) in rows]
    with ExitStack() as locks:
        # in the order in which extractions and then the models take them
        for source in sources:
            locks.enter_context(warehouse.lock(connection, f"cht-sync extract {source}"))
            locks.enter_context(warehouse.lock(connection, f"cht-sync verify {source}"))
        locks.enter_context(warehouse.lock(connection, "cht-sync models"))
        for source in sources:
            _delete(connection, source)
            _drop(connection, source)
            connection.execute("delete from ops.source where source = %s", [source])
    return sources


def _delete(connection: warehouse.Connection, source: str) -> None:
    """Deletes all rows of the source except its documents, in one transaction."""
    with connection.transaction():
        # this waits for a page that is being committed, and stops the reader from writing another
        connection.execute("delete from ops.checkpoint where source = %s", [source])
        changed = []
        for schema, name in connection.execute(sql.read("operate/removal/tables")).fetchall():
            delete = statement.SQL("delete from {} where source = %s").format(Identifier(schema, name))
            if connection.execute(delete, [source]).rowcount and schema == "model_data":
                changed.append(name)
        connection.execute(sql.read("operate/removal/versions"), [changed])


def _drop(connection: warehouse.Connection, source: str) -> None:
    """Drops the partition of the documents. It is detached first, because a drop at once would block every reader."""
    row = connection.execute(sql.read("operate/removal/partition"), [source]).fetchone()
    if row is None:
        return
    name, pending = Identifier("staging", row[0]), row[1]
    if pending is not None:
        how = statement.SQL("finalize" if pending else "concurrently")
        connection.execute(statement.SQL("alter table staging.document detach partition {} {}").format(name, how))
    connection.execute(statement.SQL("drop table {}").format(name))
