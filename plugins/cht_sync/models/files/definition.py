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
#: Postgres cuts a name after 63 characters, and a table that is made anew has some more.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,49}")
#: What a model was, in `affected`.
_WAS = re.compile(r"\bwas_([a-z0-9_]+)")


#: Of the columns that most relations have; a header may say otherwise.
COMMON = {
    "source": "The database that it came from, such as kitui/medic",
    "_id": "Of the document",
    "uuid": "The same as _id",
    "saved_timestamp": "When the document's latest revision was copied",
}


@dataclass(frozen=True)
class Relation:
    """One file. Its header:

    what a row is, in words; `name, name:` what these columns mean (`name_*` is all that begin so). Both become comments
    in Postgres. `key`: columns of the unique key; `index`: columns of a further index, one a line; `after`: models that
    this one reads; `reads`: relations by whose version it is refreshed; `affected`: a select of the (source, _id) to be
    done again because of `changed`, on the lines below it, asked once what this one reads is written, with was_<model>
    for the rows that the run has deleted of a model named in `after`. `every`: how often, of a mart or a check (see
    there); `of` and `moved`: of a tally (see tallies). Of a check `level` and `repair` stand where others have columns.
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
        """Of all that decides its rows: the words of its header don't."""
        body = self.text.splitlines()[len(_header(self.text)) :]
        return _digest("\n".join(body), repr((self.key, self.indexes, self.after, self.affected, self.reads)))

    @property
    def asks(self) -> frozenset[str]:
        """The models of which `affected` asks how they were."""
        return frozenset(_WAS.findall(self.affected)) & self.upstream

    @property
    def header(self) -> str:
        """Of the words of its header."""
        return _digest(self.about, repr(self.columns), repr(COMMON))

    def meaning(self, column: str) -> str | None:
        """What the header says of a column."""
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
        """Where it is, for people."""
        root = "include/sql" if self.ours else "include/deployment"
        return "/".join(filter(None, [root, self.folder, f"{self.name}.sql"]))

    def select(self) -> statement.SQL:
        return statement.SQL(self.text)


def covers(name: str, column: str) -> bool:
    """Whether a name in a header is of the column; `name_*` is of all that begin so."""
    return column.startswith(name[:-1]) if name.endswith("*") else column == name


def folder(name: str, include: sql.Include = sql.INCLUDE) -> list[Relation]:
    """Our relations, those of include/sql/`name`, each after those that it names in `after`.

    Raises ConfigurationInvalid for a header that can't be read, an unknown name in `after`, or names in a circle.
    """
    return folders([name], include)


def folders(names: Iterable[str], include: sql.Include = sql.INCLUDE) -> list[Relation]:
    """The same of several folders together, whose files may read each other."""
    found = [
        parse(file.stem, file.read_text(encoding="utf-8"), name) for name in names for file in sql.files(name, include)
    ]
    for file, mistake in misplaced(found).items():
        raise invalid(file, mistake)
    return arrange(found)


def load(folder: str, name: str) -> Relation:
    """One of our files that are executed as they are."""
    return parse(name, sql.read(f"{folder}/{name}"), folder)


def execute(
    connection: warehouse.Connection, file: Relation, values: Mapping[str, object] | None = None
) -> psycopg.Cursor[Any]:
    """Runs a file as it is. Raises ModelFailed."""
    with translated(file):
        return connection.execute(file.text.encode(), values)


def misplaced(found: Iterable[Relation]) -> dict[Relation, str]:
    """Those whose `after` names what isn't there, or leads back to themselves, with what is wrong."""
    files = {file.name: file for file in found}
    wrong = {}
    for file in files.values():
        if unknown := set(file.after) - set(files):
            wrong[file] = f"names {sorted(unknown)[0]} in `after`, which is not there"
    try:
        TopologicalSorter({name: set(file.after) & set(files) for name, file in files.items()}).prepare()
    except CycleError as error:
        wrong |= {files[name]: "is after itself" for name in error.args[1]}
    return wrong


def arrange(found: Iterable[Relation]) -> list[Relation]:
    """Each after those that it names in `after`, with all that are above it; none is misplaced."""
    files = {file.name: file for file in sorted(found, key=lambda file: file.name)}
    upstream: dict[str, frozenset[str]] = {}
    for each in TopologicalSorter({name: file.after for name, file in files.items()}).static_order():
        upstream[each] = frozenset(files[each].after).union(*(upstream[above] for above in files[each].after))
    return [replace(files[each], upstream=above) for each, above in upstream.items()]


def parse(name: str, text: str, folder: str = "", *, ours: bool = True) -> Relation:
    """One file, with the fields of its header. Raises ConfigurationInvalid."""
    bare = Relation(name, text.rstrip().rstrip(";"), folder, ours)
    if not _NAME.fullmatch(name):
        raise invalid(bare, "has a name that is no plain identifier (small letters, digits, _; 50 at most)")
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
    """What is told of a file that can't be used as it is."""
    rest = "nothing is modelled until then" if file.ours else "everything else goes on without it"
    return ConfigurationInvalid(f"The SQL file {file.name}.sql {what}", f"Correct {file.file}; {rest}")


def stray(file: Relation, name: str) -> ConfigurationInvalid:
    """What is told of a name in its header that would do nothing: mostly a field that is misspelt."""
    return invalid(file, f"has `{name}:` in its header, which is neither a field nor a column of it")


@contextmanager
def translated(file: Relation, what: str = "", head: str = "", text: str | None = None) -> Iterator[None]:
    """Turns the failure of a file's statement into ModelFailed: Postgres' own words may quote a document, so only its
    code and the place are told.

    `head` is what stands before the file's text in the statement, `text` what stands there for it; `what` is told
    instead of a line. Errors of the connection, the server or of rights pass through.
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
    True: "Nothing of this run was written; correct {}, and the next run takes in what this one could not",
    False: "All else was written, but what reads it; correct {}, and the next run takes in what this one could not",
}


def _passes(error: psycopg.Error, file: Relation) -> bool:
    """Whether it says nothing of the file."""
    if isinstance(error, (pg.InsufficientPrivilege, pg.ReadOnlySqlTransaction)):
        return file.ours
    # class 54 is a limit that a value exceeds, such as an index's
    return error.sqlstate is None or (isinstance(error, psycopg.OperationalError) and error.sqlstate[:2] != "54")


def _line(text: str, position: str | None, offset: int) -> str:
    if position is None or int(position) <= offset:
        return ""
    return f" in line {text.count(chr(10), 0, int(position) - offset - 1) + 1}"
