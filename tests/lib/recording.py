"""The statements of a block of code: recorded, or interrupted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg


class Killed(BaseException):
    """Stands for a kill: no more of the code is executed."""


class Recording(psycopg.Cursor[Any]):
    """Records the statements, and calls `before` with the number of each before it is executed."""

    statements: ClassVar[list[str]]
    before: ClassVar[Callable[[int], None]]

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> "Recording":
        text = query.as_string(self.connection) if hasattr(query, "as_string") else query
        text = text.decode() if isinstance(text, bytes) else text
        type(self).statements.append(" ".join(text.split()))
        type(self).before(len(type(self).statements))
        return super().execute(query, *args, **kwargs)


@contextmanager
def recording(
    connection: psycopg.Connection[Any], before: Callable[[int], None] = lambda _: None
) -> Iterator[list[str]]:
    """The statements that the block executes."""
    statements = list[str]()
    cursors: Any = type("Cursors", (Recording,), {"statements": statements, "before": staticmethod(before)})
    usual, connection.cursor_factory = connection.cursor_factory, cursors
    try:
        yield statements
    finally:
        connection.cursor_factory = usual


def killed(connection: psycopg.Connection[Any], at: int, run: Callable[[], object]) -> bool:
    """Kills the run before the statement with that number; False if the run ended earlier."""

    def kill(number: int) -> None:
        if number == at:
            raise Killed

    try:
        with recording(connection, kill):
            run()
    except Killed:
        return True
    return False
