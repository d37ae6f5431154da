"""A temporary Postgres for a measurement."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from servers.postgres import Postgres


@contextmanager
def running(settings: Mapping[str, str], folder: Path | None = None) -> Iterator[Postgres]:
    """A server with its data in a new folder, in `folder` or with the temporary files."""
    with tempfile.TemporaryDirectory(prefix="cht-sync-", dir=folder, ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)  # as root the server runs as `nobody`
        server = Postgres(Path(home) / "postgres", settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
