"""Takes an instance out of the warehouse, with all that was copied and counted of it.

Everything but the documents' partition goes in one transaction a source, which begins with its checkpoint: an
extraction that is still at work can't write any more. `ops.source` goes last, so that a removal that was killed is
found again.
`ops.erased` stays: whoever was erased on request is not to come back with the instance.
"""

from contextlib import ExitStack

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import instances, sql, warehouse
from cht_sync.errors import ConfigurationInvalid


def left_over(connection: warehouse.Connection, configuration: instances.Configuration) -> list[str]:
    """The instances that are in the warehouse, and not in the file any more; in order."""
    named = [instance.name for instance in configuration.instances]
    rows = connection.execute(
        "select distinct instance from ops.source where instance <> all(%s) order by instance", [named]
    ).fetchall()
    return [instance for (instance,) in rows]


def remove(connection: warehouse.Connection, configuration: instances.Configuration, instance: str) -> list[str]:
    """Removes what is in the warehouse of that instance; the sources that were removed.

    Raises ConfigurationInvalid where the instance is still in the file, or is not in the warehouse; AnotherRun.
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
        raise ConfigurationInvalid(
            f"There is nothing in the warehouse of an instance {instance}", f"Left over are: {over}"
        )
    sources = [source for (source,) in rows]
    with ExitStack() as locks:
        # in the order in which an extraction, and then the models, take them
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
    """All rows of the source but its documents, in one transaction."""
    with connection.transaction():
        # waits for the page that is being committed, and ends whoever would write the next
        connection.execute("delete from ops.checkpoint where source = %s", [source])
        changed = []
        for schema, name in connection.execute(sql.read("operate/removal/tables")).fetchall():
            delete = statement.SQL("delete from {} where source = %s").format(Identifier(schema, name))
            if connection.execute(delete, [source]).rowcount and schema == "model_data":
                changed.append(name)
        connection.execute(sql.read("operate/removal/versions"), [changed])


def _drop(connection: warehouse.Connection, source: str) -> None:
    """The documents. Detached first, which blocks nobody: to drop a partition at once would hold up every reader."""
    row = connection.execute(sql.read("operate/removal/partition"), [source]).fetchone()
    if row is None:
        return
    name, pending = Identifier("staging", row[0]), row[1]
    if pending is not None:
        how = statement.SQL("finalize" if pending else "concurrently")
        connection.execute(statement.SQL("alter table staging.document detach partition {} {}").format(name, how))
    connection.execute(statement.SQL("drop table {}").format(name))
