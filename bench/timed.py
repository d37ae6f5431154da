"""The time that the statements of a block take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg


@dataclass
class Timed:
    """Seconds and text of each statement; `seconds` of the block include its Python."""

    statements: list[tuple[float, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def database(self) -> float:
        """Seconds of all statements."""
        return sum(seconds for seconds, _ in self.statements)

    def of(self, word: str) -> float:
        """Seconds of the statements that contain the word."""
        return sum(seconds for seconds, text in self.statements if word in text)


@contextmanager
def statements(connection: psycopg.Connection[Any]) -> Iterator[Timed]:
    """Times the block, and every statement that it executes on the connection."""
    timed = Timed()

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> "Cursor":
            text = query.as_string(self.connection) if hasattr(query, "as_string") else query
            started = time.perf_counter()
            super().execute(query, *args, **kwargs)
            timed.statements.append((time.perf_counter() - started, text if isinstance(text, str) else text.decode()))
            return self

    usual, connection.cursor_factory = connection.cursor_factory, Cursor
    started = time.perf_counter()
    try:
        yield timed
    finally:
        timed.seconds = time.perf_counter() - started
        connection.cursor_factory = usual
