"""What a run of the models changes of days that are past: who is removed is kept, and how far back anything is touched.

It happens in the models' transaction: a run that is killed has changed nothing of it, and one that makes a table anew
compares what was with what is, as any other does.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from cht_sync import relation, sql, warehouse
from cht_sync.work import Work

#: The models that days are counted from.
WATCHED = ("person", "data_record")


class Past:
    """Of one run; `anew` are the models whose tables are about to be replaced: these are compared whole."""

    def __init__(self, connection: warehouse.Connection, anew: Collection[str]) -> None:
        self._connection = connection
        self._anew = {name for name in WATCHED if name in anew}
        rows = connection.execute("select source from ops.source order by source").fetchall()
        self._sources = [source for (source,) in rows]
        self._kept = 0
        self._execute("was")
        for name in self._anew:
            if connection.execute("select where to_regclass(%s) is not null", [f"models.{name}"]).rowcount:
                self._keep(name, self._sources, [])

    def keep(self, name: str, work: Work) -> None:
        """Before a model is written: its rows that this deletes."""
        if name in WATCHED and name not in self._anew:
            self._keep(name, sorted(work.whole), sorted(work.scopes | {work.own}))

    def note(self, works: Mapping[str, Work]) -> None:
        """After the models are written, before the counts are."""
        asked = {name: self._asked(name, works[name]) for name in WATCHED if name in works}
        if self._kept:
            self._execute("remove")
        touched = [self._execute(f"touch_{name}", each) for name, each in asked.items()]
        if since := min((moment for moment in touched if moment), default=None):
            self._execute("touch", {"since": since})
        self._execute("return", asked["person"])

    def _asked(self, name: str, work: Work) -> dict[str, list[str]]:
        whole = self._sources if name in self._anew else sorted(work.whole)
        return {"whole": whole, "scopes": sorted(work.scopes | {work.own})}

    def _keep(self, name: str, whole: list[str], scopes: list[str]) -> None:
        self._execute(f"keep_{name}", {"whole": whole, "scopes": scopes})

    def _execute(self, name: str, parameters: Mapping[str, object] | None = None) -> datetime | None:
        """Runs a file of include/sql/history; the first value that it returns, if any."""
        file = relation.parse(name, sql.read(f"history/{name}"), "history")
        with relation.telling(file):
            cursor = self._connection.execute(file.text.encode(), parameters)
        if name == "keep_person":
            self._kept += cursor.rowcount
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None
