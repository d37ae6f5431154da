"""Recompute requests: what the next run of the models computes from nothing, such as after a check's finding."""

from collections.abc import Collection

from cht_sync import warehouse
from cht_sync.errors import ConfigurationInvalid


def order(connection: warehouse.Connection, recount: Collection[str] = (), remodel: Collection[str] = ()) -> None:
    """Requests the next run to count the areas of `recount` from nothing, and to model and count all of `remodel`.

    The next checks look at everything. Raises ConfigurationInvalid for an unknown source.
    """
    if not recount and not remodel:
        return
    _require_known(connection, {*recount, *remodel})
    with connection.transaction():
        for source in sorted({*recount}):
            connection.execute("insert into ops.to_recount (source) values (%s) on conflict do nothing", [source])
        connection.execute("update ops.model_state set batch = 0 where source = any(%s)", [list(remodel)])
        connection.execute("update ops.check_state set whole_on = '-infinity'")


def _require_known(connection: warehouse.Connection, sources: Collection[str]) -> None:
    known = [source for (source,) in connection.execute("select source from ops.source order by source").fetchall()]
    if unknown := sorted(set(sources) - set(known)):
        raise ConfigurationInvalid(
            f"There is no source {unknown[0]} in the warehouse", f"There are {', '.join(known) or 'none'}"
        )
