"""New tables next to the old ones, filled in chunks. A killed rebuild is continued by the next run.

A chunk is one transaction: some consecutive blocks of a source's partition, for every model whose upstream is done. It
takes documents up to the batch that the source had at the start (`base`). They do not move in the partition's file, and
whatever is written later gets a later batch, even in a freed place. `swap`, in the transaction of the models, puts the
new tables in their places and notes `base` for each source. From there the models take in changes as from any batch.

No model run commits while a rebuild is unfinished: its chunks would have read an older state of other models.
"""

import hashlib
import math
import re
from collections.abc import Collection, Mapping

from psycopg import sql as statement
from psycopg.sql import Literal

from cht_sync import sql, warehouse
from cht_sync.errors import AnotherRun, ModelFailed
from cht_sync.models import delta, table
from cht_sync.models.files.definition import Relation
from cht_sync.models.files.deployment import Failure, Failures

#: The least number of 8 kB pages that a chunk reads: about a hundred thousand documents, some seconds.
BLOCKS = 16384

#: The greatest number of chunks of a partition. Each chunk scans the tables that it reads, so the time would grow with
#: the square of the documents.
CHUNKS = 8

DOCUMENT = """
    create temporary view document as
    select {columns}
    from staging.document as document
    where document.source = {source}
        and document.ctid >= {first}::tid and document.ctid < {end}::tid
        and document.batch <= {base} and cht.is_modelled(document._deleted, document.gone, document.type)
"""


class Rebuild:
    """A rebuild of `files`, each after those that it reads. `ours`: the relations that are made again after a drop."""

    def __init__(
        self,
        connection: warehouse.Connection,
        files: list[Relation],
        ours: Collection[tuple[str, str]],
        stamps: Mapping[str, str],
        failures: Failures,
        blocks: int = BLOCKS,
    ) -> None:
        self.connection, self.files, self.ours, self.failures, self.blocks = connection, files, ours, failures, blocks
        self.stamps = {file.name: stamps[file.name] for file in files}

    def run(self) -> None:
        """Makes model_data.<name>__new of each file, or continues a killed run. Raises ModelFailed, AnotherRun."""
        self._discard_others()
        for level in _levels([file for file in self.files if not self._waits(file)]):
            self._create(level)
            for (source,) in self.connection.execute(
                "select source from ops.checkpoint where mode <> 'copying' order by source"
            ).fetchall():
                self._fill(level, source)
            for file in self._working(level):
                # one transaction: a primary key cannot be added twice
                with self.failures.alone(self.connection, file, self.stamps[file.name]), self.connection.transaction():
                    self._finish(file)

    def swap(self) -> dict[str, int]:
        """Puts the new tables in their places, in the transaction of the models; returns the rows written by model."""
        written = {}
        for file in self.files:
            # checked for each file: if one fails here, the tables that read it have to stay, too
            if self.failures.stop(file):
                continue
            with self.failures.alone(self.connection, file, self.stamps[file.name]):
                table.swap(self.connection, file, self.ours)
                (written[file.name],) = warehouse.one(
                    self.connection, sql.read("models/rebuild/note"), {"model": file.name}
                )
        for (model,) in self.connection.execute("delete from ops.rebuild returning model").fetchall():
            table.discard(self.connection, model)
        return {name: rows for name, rows in written.items() if name not in self.failures.names}

    def _working(self, files: list[Relation]) -> list[Relation]:
        return [file for file in files if not self.failures.stop(file)]

    def _waits(self, file: Relation) -> bool:
        """Whether the same rebuild, or one that it reads, has failed within the hour: then it fails again, untried."""
        row = self.connection.execute(
            """
            select what, advice from ops.failing
            where folder = 'models' and name = %s and stamp = %s and tried_at > now() - interval '1 hour'
            """,
            [file.name, self.stamps[file.name]],
        ).fetchone()
        if row:
            self.failures.add(Failure(file, ModelFailed(*row), self.stamps[file.name], is_tried=False))
        return self.failures.stop(file)

    def _discard_others(self) -> None:
        """Discards unfinished tables that this run does not rebuild, or whose files have changed since."""
        rows = self.connection.execute("select model, stamp from ops.rebuild").fetchall()
        for model in [model for model, stamp in rows if self.stamps.get(model) != stamp]:
            with self.connection.transaction():
                table.discard(self.connection, model)
                self.connection.execute("delete from ops.rebuild where model = %s", [model])

    def _create(self, level: list[Relation]) -> None:
        """Creates the missing tables, empty. If their columns would break a reader, it fails now, not after hours."""
        there = {model for (model,) in self.connection.execute("select model from ops.rebuild").fetchall()}
        with self.connection.transaction():
            self._aim("", 0, (0, 0))
            for file in [file for file in self._working(level) if file.name not in there]:
                with self.failures.alone(self.connection, file, self.stamps[file.name]):
                    table.create(self.connection, file, self._text(file), self.ours)
                    self.connection.execute(
                        "insert into ops.rebuild (model, stamp) values (%s, %s)", [file.name, self.stamps[file.name]]
                    )
            self.connection.execute("drop view pg_temp.document")

    def _fill(self, level: list[Relation], source: str) -> None:
        """Fills the tables of a level from all documents of a source, one transaction a chunk."""
        self._begin(self._working(level), source)
        while chunk := self.connection.execute(
            sql.read("models/rebuild/next"), {"source": source, "models": [file.name for file in self._working(level)]}
        ).fetchall():
            files = {file.name: file for file in level}
            with self.connection.transaction():
                self.connection.execute("set local work_mem = '128MB'")
                for model, base, first, pages in chunk:
                    end = first + max(self.blocks, math.ceil(pages / CHUNKS))
                    self._insert(files[model], source, base, (first, end))

    def _begin(self, files: list[Relation], source: str) -> None:
        """Notes the work of a source. If its partition was rewritten since, the source begins again."""
        row = self.connection.execute(sql.read("models/rebuild/partition"), {"source": source}).fetchone()
        partition, storage, blocks, is_unknown, batch = row or ("", None, 0, False, 0)
        with self.connection.transaction():
            if is_unknown:
                self.connection.execute(statement.SQL("analyze {}").format(statement.SQL(partition)))
            for file in files:
                values = {"model": file.name, "source": source, "storage": storage}
                if self.connection.execute(sql.read("models/rebuild/forget"), values).rowcount:
                    table.empty(self.connection, file.name, source)
                above = sorted(file.upstream - self.stamps.keys())
                begun = {**values, "blocks": blocks, "batch": batch, "above": above}
                self.connection.execute(sql.read("models/rebuild/begin"), begun)

    def _insert(self, file: Relation, source: str, base: int, pages: tuple[int, int]) -> None:
        """Inserts the rows of one chunk into a model's table."""
        with self.failures.alone(self.connection, file, self.stamps[file.name]):
            self._aim(source, base, pages)
            values = {"model": file.name, "source": source, "upto": pages[1]}
            rows = table.fill(self.connection, file, self._text(file))
            self.connection.execute("drop view pg_temp.document")
            if not self.connection.execute(sql.read("models/rebuild/move"), {**values, "rows": rows}).rowcount:
                raise AnotherRun(
                    f"The partition of {source} was rewritten while it was read",
                    "Nothing was changed; the next try begins this source again",
                )

    def _finish(self, file: Relation) -> None:
        if self.connection.execute("select from ops.rebuild where model = %s and not is_made", [file.name]).rowcount:
            with self.connection.transaction():
                table.finish(self.connection, file)
                self.connection.execute("update ops.rebuild set is_made = true where model = %s", [file.name])

    def _aim(self, source: str, base: int, pages: tuple[int, int]) -> None:
        """Makes `document` show a chunk: the documents from the first page to before the second."""
        first, end = (Literal(f"({page},0)") for page in pages)
        named = Literal(source)
        view = statement.SQL(DOCUMENT).format(
            columns=delta.columns(named), source=named, first=first, end=end, base=Literal(base)
        )
        self.connection.execute(view)

    def _text(self, file: Relation) -> str:
        """The file's text, changed to read the new tables of rebuilt models instead of their views."""
        text = file.text
        for name in file.upstream & self.stamps.keys():
            text = re.sub(rf'\bmodels\.("?){name}\b\1', f'model_data."{table.new(name)}"', text)
        return text


def stamps(files: list[Relation]) -> dict[str, str]:
    """A hash of each model and of everything that it reads. If it changes, an unfinished rebuild is discarded."""
    hashes = {file.name: file.hash for file in files}
    parts = {file.name: [file.hash, *(hashes[name] for name in sorted(file.upstream))] for file in files}
    return {name: hashlib.sha256(" ".join(each).encode()).hexdigest() for name, each in parts.items()}


def _levels(files: list[Relation]) -> list[list[Relation]]:
    """The files by level: those that read none of the others, then those that read only these, and so on."""
    depths: dict[str, int] = {}
    for file in files:
        depths[file.name] = 1 + max((depths[name] for name in file.upstream if name in depths), default=0)
    return [[file for file in files if depths[file.name] == depth] for depth in sorted(set(depths.values()))]
