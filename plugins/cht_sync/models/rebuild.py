"""Tables made anew beside those that are read, in chunks: what was done stays done, whoever kills the run.

A chunk is a transaction: a stretch of a source's partition, and for it every model whose upstream is whole. It takes
documents up to the batch that was noted first (`base`). These stay where they are in the partition's file: whatever is
written later gets a later batch, also where it takes a freed place in it. `swap`, in the transaction of the models,
puts the tables in their places and notes `base` for each source; the models go on from there as from any batch.

No transaction of the models is committed while something unfinished is to be gone on with: what a chunk read of other
models is as it was, until all takes its place together, or is discarded.
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

#: Pages of 8 kB that a chunk reads of a partition at least: about a hundred thousand documents, some seconds.
BLOCKS = 16384

#: A partition has no more chunks: each goes through the tables that it reads, so with many the time would be a square.
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
    """Of `files`, each after those that it reads; `ours` are the relations that are made again afterwards."""

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
        """Makes model_data.<name>__new of each, going on where a killed run ended. Raises ModelFailed, AnotherRun."""
        self._discard_others()
        for level in _levels([file for file in self.files if not self._waits(file)]):
            self._create(level)
            for (source,) in self.connection.execute(
                "select source from ops.checkpoint where mode <> 'copying' order by source"
            ).fetchall():
                self._fill(level, source)
            for file in self._working(level):
                # one transaction: a key that is there already can't be added again
                with self.failures.alone(self.connection, file, self.stamps[file.name]), self.connection.transaction():
                    self._finish(file)

    def swap(self) -> dict[str, int]:
        """Puts the tables that are made in their places, in the transaction of the models; rows written by model."""
        written = {}
        for file in self.files:
            # asked of each anew: what reads one that fails here has to stay, too
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
        """Whether the same has failed within the hour, or what it reads has: it fails again, without work."""
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
        """What was made of other files, or by a run whose other models have gone on without it."""
        rows = self.connection.execute("select model, stamp from ops.rebuild").fetchall()
        for model in [model for model, stamp in rows if self.stamps.get(model) != stamp]:
            with self.connection.transaction():
                table.discard(self.connection, model)
                self.connection.execute("delete from ops.rebuild where model = %s", [model])

    def _create(self, level: list[Relation]) -> None:
        """The empty tables, where they aren't there yet; who would break by their columns is told now, not in hours."""
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
        """All documents of a source into the tables of a level, a transaction a chunk."""
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
        """Notes what there is to do of a source; begins it again where its partition was written anew."""
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
        """A model's rows of one chunk."""
        with self.failures.alone(self.connection, file, self.stamps[file.name]):
            self._aim(source, base, pages)
            values = {"model": file.name, "source": source, "upto": pages[1]}
            rows = table.fill(self.connection, file, self._text(file))
            self.connection.execute("drop view pg_temp.document")
            if not self.connection.execute(sql.read("models/rebuild/move"), {**values, "rows": rows}).rowcount:
                raise AnotherRun(
                    f"The partition of {source} was written anew while it was read",
                    "Nothing was changed; the next try begins with it again",
                )

    def _finish(self, file: Relation) -> None:
        if self.connection.execute("select from ops.rebuild where model = %s and not is_made", [file.name]).rowcount:
            with self.connection.transaction():
                table.finish(self.connection, file)
                self.connection.execute("update ops.rebuild set is_made = true where model = %s", [file.name])

    def _aim(self, source: str, base: int, pages: tuple[int, int]) -> None:
        """From here on `document` is a chunk: of the pages from the first to before the second."""
        first, end = (Literal(f"({page},0)") for page in pages)
        named = Literal(source)
        view = statement.SQL(DOCUMENT).format(
            columns=delta.columns(named), source=named, first=first, end=end, base=Literal(base)
        )
        self.connection.execute(view)

    def _text(self, file: Relation) -> str:
        """The file's, reading the new tables of those that are made anew instead of what is shown."""
        text = file.text
        for name in file.upstream & self.stamps.keys():
            text = re.sub(rf'\bmodels\.("?){name}\b\1', f'model_data."{table.new(name)}"', text)
        return text


def stamps(files: list[Relation]) -> dict[str, str]:
    """Of each model and of all that it reads: with another one what was made of it can't be gone on with."""
    hashes = {file.name: file.hash for file in files}
    parts = {file.name: [file.hash, *(hashes[name] for name in sorted(file.upstream))] for file in files}
    return {name: hashlib.sha256(" ".join(each).encode()).hexdigest() for name, each in parts.items()}


def _levels(files: list[Relation]) -> list[list[Relation]]:
    """Those that read none of the others, then those that read only these …"""
    depths: dict[str, int] = {}
    for file in files:
        depths[file.name] = 1 + max((depths[name] for name in file.upstream if name in depths), default=0)
    return [[file for file in files if depths[file.name] == depth] for depth in sorted(set(depths.values()))]
