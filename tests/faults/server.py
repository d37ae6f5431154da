"""The warehouse's server: the campaign's own Postgres, which can have a full disk and can be stopped."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from cht_sync.warehouse import migrations
from psycopg import conninfo, sql

from servers.postgres import Postgres

Connection = psycopg.Connection[Any]

#: The size of the small file system, in MB: a database takes about 10.
SMALL = 48

#: Seconds until a killed or cut off run has left the server.
PATIENCE = 20

BACKENDS = """
    select {what}
    from pg_stat_activity
    where datname = current_database() and application_name = 'cht-sync'
"""

#: Records every move of a checkpoint, in the order of the commits, with its connection.
AUDIT = """
    create table public.moved (
        number bigint generated always as identity primary key,
        pid integer not null default pg_backend_pid(),
        generation bigint not null,
        reads bigint not null,
        seq text not null
    );
    create function public.note_move() returns trigger language plpgsql as $$
    begin
        insert into public.moved (generation, reads, seq) values (new.generation, new.reads, new.seq);
        return null;
    end
    $$;
    create trigger note_move after update on ops.checkpoint
    for each row when ((new.generation, new.reads, new.seq) is distinct from (old.generation, old.reads, old.seq))
    execute function public.note_move();
"""

#: If no small file system is available, a trigger raises the error of a full disk.
FULL = """
    create or replace function public.no_space() returns trigger language plpgsql as $$
    begin
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
    end
    $$;
    create trigger no_space before insert or update on staging.document
    for each row when (random() < 0.05) execute function public.no_space();
"""


class Server:
    """Runs with fsync, at the same port after a restart."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._postgres = Postgres(home, {"port": str(port), "max_connections": "60"})
        self._lock = threading.Lock()
        self.dsn = self._postgres.start()
        self.small = Small(home.parent / "small") if Small.possible() else None
        with self.connect(self.dsn) as connection:
            if self.small:
                self.small.mount(self._postgres.identity)
                connection.execute(
                    sql.SQL("create tablespace small location {}").format(sql.Literal(str(self.small.path)))
                )
            connection.execute("create database prepared")
        with self.connect(self.at("prepared")) as connection:
            migrations.migrate(connection)

    def close(self) -> None:
        self._postgres.stop()
        if self.small:
            self.small.unmount()

    def version(self) -> str:
        with self.connect(self.dsn) as connection:
            return str(connection.info.server_version // 10_000)

    def at(self, database: str) -> str:
        return conninfo.make_conninfo(self.dsn, dbname=database)

    @contextmanager
    def connect(self, dsn: str) -> Iterator[Connection]:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            yield connection

    def create(self, database: str, *, small: bool) -> str:
        """Creates a migrated database that records each move, on the small file system if wanted; its address."""
        where = sql.SQL("tablespace small" if small else "")
        statement = sql.SQL("create database {} template prepared {}").format(sql.Identifier(database), where)
        with self.connect(self.dsn) as connection:
            connection.execute(statement)
        with self.connect(self.at(database)) as connection:
            connection.execute(AUDIT.encode())
        return self.at(database)

    def drop(self, database: str) -> None:
        with self.connect(self.dsn) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))

    def crash(self) -> None:
        """Stops it at once, as a power cut would, and starts it again, with room to recover."""
        with self._lock:
            self._postgres.stop("immediate")
            if self.small:
                self.small.free()
            self._postgres.start()

    def end(self, dsn: str, how: str) -> int:
        """Ends runs' connections by pg_terminate_backend, or statements by pg_cancel_backend; returns the number."""
        with suppress(psycopg.OperationalError), self.connect(dsn) as connection:
            found = connection.execute(BACKENDS.format(what=f"{how}(pid)").encode()).fetchall()
            return sum(ended for (ended,) in found)
        return 0

    def waiting(self, dsn: str) -> int:
        """Runs that wait for a lock."""
        with suppress(psycopg.OperationalError), self.connect(dsn) as connection:
            found = connection.execute(BACKENDS.format(what="wait_event_type = 'Lock'").encode()).fetchall()
            return sum(waits or False for (waits,) in found)
        return 0

    def settle(self, dsn: str) -> None:
        """Waits until no run is connected: a statement of a killed one may still run."""
        end = time.monotonic() + PATIENCE
        with self._lock, self.connect(dsn) as connection:
            while connection.execute(BACKENDS.format(what="pid").encode()).fetchall():
                assert time.monotonic() < end, "a run that has ended is still connected"
                time.sleep(0.005)

    @contextmanager
    def full(self, dsn: str, room: int) -> Iterator[None]:
        """Leaves that number of bytes on the disk of that database."""
        if self.small:
            self.small.fill(room)
            try:
                yield
            finally:
                self.small.free()
            return
        with self.connect(dsn) as connection:
            connection.execute(FULL.encode())
        try:
            yield
        finally:
            with self.connect(dsn) as connection:
                connection.execute("drop trigger no_space on staging.document")


class Small:
    """A small file system in memory, which root can mount."""

    def __init__(self, at: Path) -> None:
        self.path = at / "tablespace"
        self._at = at
        self._filler = at / "filler"

    @staticmethod
    def possible() -> bool:
        if os.geteuid() != 0:
            return False
        tried = subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
        )
        return tried.returncode == 0

    def mount(self, owner: dict[str, Any]) -> None:
        self._at.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}m,mode=0755", "none", str(self._at)], check=True)
        self.path.mkdir(0o700)
        os.chown(self.path, owner["user"], owner["group"])

    def unmount(self) -> None:
        subprocess.run(["umount", str(self._at)], check=True)

    def fill(self, room: int) -> None:
        """Takes all but that number of bytes."""
        with self._filler.open("wb") as file:
            there = os.statvfs(self._at)
            if (size := there.f_bavail * there.f_frsize - room) > 0:
                os.posix_fallocate(file.fileno(), 0, size)

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)
