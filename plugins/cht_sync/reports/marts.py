"""Marts: materialized views over the models, refreshed only when what they read has changed.

`every` in the header is `run`, the default, or `hour`: a slow mart is refreshed once in each hour of the clock.
"""

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import sql, warehouse
from cht_sync.errors import ConfigurationInvalid
from cht_sync.models import catalogue, table
from cht_sync.models.files import comments, definition, deployment
from cht_sync.models.files.definition import Relation
from cht_sync.models.files.deployment import Failures

EVERY = ("", "run", "hour")


def refresh(connection: warehouse.Connection, include: sql.Include = sql.INCLUDE) -> list[str]:
    """Makes or refreshes the marts that are due, each with its note in one transaction; returns their names.

    If none is due, it costs one statement. A mart of the deployment that fails is noted in ops.failing. Raises
    ModelFailed, AnotherRun, ConfigurationInvalid.
    """
    files, failures = _files(include)
    if not failures and not _due(connection, files):
        return []
    with warehouse.lock(connection, "cht-sync marts"):
        refreshed = []
        for file in files:
            with failures.catch(file), connection.transaction():
                # the versions noted are those that the refresh sees
                connection.execute("set transaction isolation level repeatable read")
                if how := _due(connection, [file]).get(file.name):
                    _make(connection, file) if how == "make" else _refresh(connection, file)
                    connection.execute(
                        sql.read("reports/mart_run/note"),
                        {
                            "mart": file.name,
                            "hash": file.hash,
                            "reads": list(file.reads),
                            "every": file.every or "run",
                        },
                    )
                    refreshed.append(file.name)
        deployment.note(connection, ["marts"], failures)
        return [name for name in refreshed if name not in failures.names]


def _files(include: sql.Include) -> tuple[list[Relation], Failures]:
    """Our marts, then the deployment's; each `reads` relations with a version, or it would never be refreshed."""
    known, failures = catalogue.read(include), Failures()
    files = deployment.extend("marts", definition.folder("reports/marts", include), include, failures)
    for file in files:
        with failures.catch(file):
            known.require_readable("mart", file)
            if file.every not in EVERY:
                raise ConfigurationInvalid(
                    f"The mart {file.name} has an `every` that is neither run nor hour", f"Correct it in {file.file}"
                )
    return [file for file in files if not failures.have(file)], failures


def _due(connection: warehouse.Connection, files: list[Relation]) -> dict[str, str]:
    """The due marts: to `make`, if the view is missing or its file has changed, or to `refresh`.

    The marts that have failed are among them, by their files.
    """
    return dict(
        connection.execute(
            sql.read("reports/mart_run/marts_due"),
            {
                "names": [file.name for file in files],
                "hashes": [file.hash for file in files],
                "reads": [",".join(file.reads) for file in files],
                "every": [file.every for file in files],
            },
        ).fetchall()
    )


def _make(connection: warehouse.Connection, file: Relation) -> None:
    view = Identifier("marts", file.name)
    key = statement.SQL(", ").join(map(Identifier, file.key))
    head = statement.SQL("create materialized view {} as ").format(view)
    table.require_unread(connection, f"marts.{file.name}", set())
    with definition.translated(file, head=head.as_string(connection)):
        connection.execute(statement.SQL("drop materialized view if exists {}").format(view))
        connection.execute(head + file.select())
        connection.execute(statement.SQL("create unique index on {} ({})").format(view, key))
    comments.comment(connection, "materialized view", "marts", file)


def _refresh(connection: warehouse.Connection, file: Relation) -> None:
    view = Identifier("marts", file.name)
    # first, so that a header with a mistake fails before the refresh
    comments.comment(connection, "materialized view", "marts", file)
    with definition.translated(file, "its refresh"):
        connection.execute(statement.SQL("refresh materialized view concurrently {}").format(view))
