"""A deployment's own models, views and marts: files in include/deployment, of the same form as ours in include/sql.

Each fails alone: everything else continues, except what reads it, and ops.failing names it until it works.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cht_sync import sql, warehouse
from cht_sync.errors import ConfigurationInvalid, ModelFailed, SyncError
from cht_sync.models.files import definition
from cht_sync.models.files.definition import Relation

#: The columns that the `key` of a file in each folder must have: models are written by document, and removed by source.
KEYS = {"models": {"source", "_id"}, "views": set[str](), "marts": {"source"}, "checks": set[str]()}


@dataclass(frozen=True)
class Failure:
    """Why a file has failed. `stamp` is that of the failed rebuild of its table, else empty (see rebuild).

    `is_tried`: false if it was not tried again. `is_taken`: only its name is wrong, because another relation has it.
    """

    file: Relation
    error: SyncError
    stamp: str = ""
    is_tried: bool = True
    is_taken: bool = False


class Failures(dict[str, Failure]):
    """The deployment's files that have failed in a run, by path."""

    def add(self, failure: Failure) -> None:
        self[failure.file.file] = failure

    @property
    def names(self) -> set[str]:
        """The names of the relations that do not match their files."""
        return {failure.file.name for failure in self.values() if not failure.is_taken}

    def have(self, file: Relation) -> bool:
        """Whether the file itself has failed."""
        return file.file in self

    def stop(self, file: Relation) -> bool:
        """Whether the file has failed, or one that it reads."""
        return self.have(file) or not (file.ours or self.names.isdisjoint(file.upstream))

    @contextmanager
    def alone(self, connection: warehouse.Connection, file: Relation, stamp: str = "") -> Iterator[None]:
        """A savepoint in a transaction. If a deployment's file fails, only this part is undone; ours fails the run."""
        if file.ours:
            yield
            return
        with self.catch(file, stamp), connection.transaction():
            yield

    @contextmanager
    def catch(self, file: Relation, stamp: str = "") -> Iterator[None]:
        """The same without a savepoint, around a separate transaction."""
        try:
            yield
        except (ModelFailed, ConfigurationInvalid) as error:
            if file.ours:
                raise
            # no stamp for a mistake in the header: it is cheap to check each time, and is not part of the stamp
            self.add(Failure(file, error, stamp if isinstance(error, ModelFailed) else ""))


def extend(
    folder: str, ours: list[Relation], include: sql.Include, failures: Failures, taken: Collection[str] = ()
) -> list[Relation]:
    """Ours, then the files of include/deployment/`folder`, each after those that it names in `after`.

    A file fails if its name is `taken`, or one of ours: a known name should not show another table.
    """
    names = {*taken, *(file.name for file in ours)}
    found = {file.name: file for file in _parsed(folder, include, names, failures)}
    while wrong := definition.misplaced([*ours, *found.values()]):
        for file, mistake in wrong.items():
            failures.add(Failure(file, definition.invalid(file, mistake)))
            del found[file.name]
    return [*ours, *(file for file in definition.arrange([*ours, *found.values()]) if not file.ours)]


def _parsed(folder: str, include: sql.Include, taken: Collection[str], failures: Failures) -> Iterator[Relation]:
    for path in sorted((include.deployment / folder).glob("*.sql")):
        bare = Relation(path.stem, "", folder, ours=False)
        try:
            file = definition.parse(path.stem, path.read_text(encoding="utf-8"), folder, ours=False)
            if file.name in taken:
                failures.add(Failure(file, definition.invalid(file, "has a name that is taken"), is_taken=True))
            elif not KEYS[folder] <= set(file.key):
                raise definition.invalid(bare, f"has no `key` with {' and '.join(sorted(KEYS[folder]))} in it")
            else:
                yield file
        except (OSError, UnicodeDecodeError):
            failures.add(Failure(bare, definition.invalid(bare, "can't be read")))
        except ConfigurationInvalid as error:
            failures.add(Failure(bare, error))


def note(connection: warehouse.Connection, folders: Collection[str], failures: Failures) -> None:
    """Replaces the rows of these folders in ops.failing with the current failures."""
    failed = failures.values()
    connection.execute(
        sql.read("models/run/note_failing"),
        {
            "folders": list(folders),
            "in": [failure.file.folder for failure in failed],
            "names": [failure.file.name for failure in failed],
            "files": [failure.file.file for failure in failed],
            "whats": [failure.error.what for failure in failed],
            "advices": [failure.error.advice for failure in failed],
            "stamps": [failure.stamp for failure in failed],
            "tried": [failure.is_tried for failure in failed],
        },
    )


def require_working(connection: warehouse.Connection) -> None:
    """Raises ModelFailed with all failing files and the reasons, if there are any. It is notified once a day."""
    rows = connection.execute(
        """
        select what, advice, coalesce(notified_at > now() - interval '1 day', false)
        from ops.failing
        order by file
        """
    ).fetchall()
    if rows:
        whats, advices, notified = zip(*rows, strict=True)
        failed = ModelFailed("; ".join(whats), "; ".join(dict.fromkeys(advices)))
        failed.is_notified = all(notified)
        if not failed.is_notified:
            connection.execute("update ops.failing set notified_at = now()")
        raise failed
