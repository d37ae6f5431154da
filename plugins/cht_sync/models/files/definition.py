"""The files of include/sql that each define one relation: a header of comments, then one `select`."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql as statement

from cht_sync import sql, warehouse
from cht_sync.errors import ConfigurationInvalid, ModelFailed

FIELDS = ("key", "index", "after", "affected", "reads", "every", "of", "moved")
_FIELD = re.compile(rf"({'|'.join(FIELDS)}): *(.*)")
_WORD = re.compile(r"([A-Za-z_]+): *(.*)")
_COLUMN = re.compile(r"([a-z_][a-z0-9_]*\*?(?:, [a-z_][a-z0-9_]*\*?)*): (.+)")
#: Postgres truncates names to 63 characters, and the new table of a rebuild has a suffix.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,49}")
#: The previous rows of a model, in `affected`.
_WAS = re.compile(r"\bwas_([a-z0-9_]+)")


#: The meaning of columns that most relations have; a header may override it.
COMMON = {
    "source": "The database that it came from, such as kitui/medic",
    "_id": "Of the document",
    "uuid": "The same as _id",
    "saved_timestamp": "When the document's latest revision was copied",
}


@dataclass(frozen=True)
class Relation:
    """One file. Its header has these parts:

    what a row is, in words, and `name, name:` with the meaning of these columns (`name_*` means every column that
    begins so); both become comments in Postgres. `key`: columns of the unique key. `index`: columns of another index,
    one index a line. `after`: models that this one reads. `reads`: relations whose versions make it due. `affected`, on
    the lines below it: a select of the (source, _id) to be done again because of `changed`. It is executed after the
    models in `after` are written; was_<model> has the rows that the run has deleted from one of these. `every`: how
    often a mart or a check is due (see there). `of` and `moved`: of a tally (see tallies). A check has `level` and
    `repair` instead of columns.
    """

    name: str
    text: str
    folder: str = ""
    ours: bool = True
    about: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    after: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    affected: str = ""
    every: str = ""
    of: str = ""
    moved: str = ""
    upstream: frozenset[str] = field(default=frozenset())

    @property
    def hash(self) -> str:
        """A hash of everything that decides its rows; the descriptions in its header do not."""
        body = self.text.splitlines()[len(_header(self.text)) :]
        return _digest("\n".join(body), repr((self.key, self.indexes, self.after, self.affected, self.reads)))

    @property
    def asks(self) -> frozenset[str]:
        """The models whose previous rows `affected` reads."""
        return frozenset(_WAS.findall(self.affected)) & self.upstream

    @property
    def header(self) -> str:
        """A hash of the descriptions in its header."""
        return _digest(self.about, repr(self.columns), repr(COMMON))

    def meaning(self, column: str) -> str | None:
        """The meaning of a column, if the header or COMMON has one."""
        wide = (text for name, text in self.columns if covers(name, column))
        return dict(self.columns).get(column) or next(wide, None) or COMMON.get(column)

    @property
    def level(self) -> str:
        return dict(self.columns).get("level", "")

    @property
    def repair(self) -> str:
        return dict(self.columns).get("repair", "")

    @property
    def file(self) -> str:
        """Its path, for messages."""
        root = "include/sql" if self.ours else "include/deployment"
        return "/".join(filter(None, [root, self.folder, f"{self.name}.sql"]))

    def select(self) -> statement.SQL:
        return statement.SQL(self.text)


def covers(name: str, column: str) -> bool:
    """Whether a name in a header means the column; `name_*` means every column that begins so."""
    return column.startswith(name[:-1]) if name.endswith("*") else column == name


def folder(name: str, include: sql.Include = sql.INCLUDE) -> list[Relation]:
    """The relations of include/sql/`name`, each after those that it names in `after`.

    Raises ConfigurationInvalid for a header that cannot be parsed, an unknown name in `after`, or a cycle of names.
    """
    return folders([name], include)


def folders(names: Iterable[str], include: sql.Include = sql.INCLUDE) -> list[Relation]:
    """The same for several folders, whose files may read each other."""
    found = [
        parse(file.stem, file.read_text(encoding="utf-8"), name) for name in names for file in sql.files(name, include)
    ]
    for file, mistake in misplaced(found).items():
        raise invalid(file, mistake)
    return arrange(found)


def load(folder: str, name: str) -> Relation:
    """One of our files that are executed unchanged."""
    return parse(name, sql.read(f"{folder}/{name}"), folder)


def execute(
    connection: warehouse.Connection, file: Relation, values: Mapping[str, object] | None = None
) -> psycopg.Cursor[Any]:
    """Executes a file unchanged. Raises ModelFailed."""
    with translated(file):
        return connection.execute(file.text.encode(), values)


def misplaced(found: Iterable[Relation]) -> dict[Relation, str]:
    """The files whose `after` has a missing name or leads back to the file, with the mistake."""
    files = {file.name: file for file in found}
    wrong = {}
    for file in files.values():
        if unknown := set(file.after) - set(files):
            wrong[file] = f"names {sorted(unknown)[0]} in `after`, which does not exist"
    try:
        TopologicalSorter({name: set(file.after) & set(files) for name, file in files.items()}).prepare()
    except CycleError as error:
        wrong |= {files[name]: "is in a cycle of `after`" for name in error.args[1]}
    return wrong


def arrange(found: Iterable[Relation]) -> list[Relation]:
    """Sorts the files, each after those in its `after`, and sets `upstream`. None may be misplaced."""
    files = {file.name: file for file in sorted(found, key=lambda file: file.name)}
    upstream: dict[str, frozenset[str]] = {}
    for each in TopologicalSorter({name: file.after for name, file in files.items()}).static_order():
        upstream[each] = frozenset(files[each].after).union(*(upstream[above] for above in files[each].after))
    return [replace(files[each], upstream=above) for each, above in upstream.items()]


def parse(name: str, text: str, folder: str = "", *, ours: bool = True) -> Relation:
    """Parses one file and its header. Raises ConfigurationInvalid."""
    bare = Relation(name, text.rstrip().rstrip(";"), folder, ours)
    if not _NAME.fullmatch(name):
        raise invalid(bare, "has a name that is not a plain identifier (small letters, digits, _; 50 at most)")
    fields: dict[str, list[str]] = {}
    columns: dict[str, str] = {}
    current = "about"
    for line in _header(text):
        content = line[2:].strip()
        if match := _FIELD.fullmatch(content):
            current, content = match.groups()
        elif current not in ("affected", "moved"):
            if (match := _WORD.fullmatch(content)) and (not match[2] or match[1].lower() in FIELDS):
                raise stray(bare, match[1])
            if match := _COLUMN.fullmatch(content):
                columns |= dict.fromkeys(match[1].split(", "), match[2])
                continue
            current = "about"
        if content:
            fields.setdefault(current, []).append(content)
    return replace(
        bare,
        about=" ".join(fields.get("about", [])),
        columns=tuple(columns.items()),
        key=_names(bare, fields.get("key", [])),
        indexes=tuple(_names(bare, [line]) for line in fields.get("index", [])),
        after=_names(bare, fields.get("after", [])),
        reads=_names(bare, fields.get("reads", [])),
        affected="\n".join(fields.get("affected", [])),
        every=" ".join(fields.get("every", [])),
        of=" ".join(fields.get("of", [])),
        moved="\n".join(fields.get("moved", [])),
    )


def _header(text: str) -> list[str]:
    """The lines of comments that a file begins with."""
    return list(takewhile(lambda line: line.startswith("--"), text.splitlines()))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _names(file: Relation, lines: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for line in lines for name in line.split(","))
    if wrong := [name for name in names if not _NAME.fullmatch(name)]:
        raise invalid(file, f"has {wrong[0]!r} in its header where a name is expected")
    return names


def invalid(file: Relation, what: str) -> ConfigurationInvalid:
    """The error for a file that cannot be used as it is."""
    rest = "nothing is modelled until then" if file.ours else "everything else continues without it"
    return ConfigurationInvalid(f"The SQL file {file.name}.sql {what}", f"Correct {file.file}; {rest}")


def stray(file: Relation, name: str) -> ConfigurationInvalid:
    """The error for a name in its header that would have no effect, such as a misspelt field."""
    return invalid(file, f"has `{name}:` in its header, which is neither a field nor a column of it")


@contextmanager
def translated(file: Relation, what: str = "", head: str = "", text: str | None = None) -> Iterator[None]:
    """Translates the failure of a file's statement into ModelFailed, with Postgres' error code and the place only.

    Postgres' own message may quote a document. `head`: the statement's text before that of the file. `text`: what the
    statement has instead of the file's text. `what`: named instead of a line. Errors of the connection, of the server
    and of rights pass through.
    """
    try:
        yield
    except psycopg.Error as error:
        if _passes(error, file):
            raise
        place = f" in `{what}`" if what else _line(text or file.text, error.diag.statement_position, len(head))
        raise ModelFailed(
            f"The SQL of {file.name} failed{place} with {error.sqlstate} ({type(error).__name__})",
            _ADVICE[file.ours].format(file.file),
        ) from None


_ADVICE = {
    True: "This run wrote nothing; correct {}, and the next run takes in what this one could not",
    False: "Everything else was written, except what reads it; correct {}, and the next run takes in what this one "
    "could not",
}


def _passes(error: psycopg.Error, file: Relation) -> bool:
    """Whether the error is not about the file."""
    if isinstance(error, (pg.InsufficientPrivilege, pg.ReadOnlySqlTransaction)):
        return file.ours
    # class 54 is a limit that a value exceeds, such as an index's
    return error.sqlstate is None or (isinstance(error, psycopg.OperationalError) and error.sqlstate[:2] != "54")


def _line(text: str, position: str | None, offset: int) -> str:
    if position is None or int(position) <= offset:
        return ""
    return f" in line {text.count(chr(10), 0, int(position) - offset - 1) + 1}"
