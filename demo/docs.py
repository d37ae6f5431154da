"""python -m demo.docs: writes docs/models.md, from the headers in include/sql and what a warehouse makes of them."""

import tempfile
from functools import partial
from pathlib import Path

import psycopg
from cht_sync import describe, marts, models, schema, warehouse

from demo.postgres import Postgres
from demo.stack import ROOT

PAGE = ROOT / "docs" / "models.md"


def write(dsn: str) -> None:
    """From an empty database."""
    with warehouse.connect(partial(psycopg.connect, dsn)) as connection:
        schema.migrate(connection)
        models.update(connection)
        marts.refresh(connection)
        PAGE.write_text(describe.page(connection), encoding="utf-8")


def main() -> None:
    """On a Postgres of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cht-sync-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as `nobody`
        server = Postgres(Path(folder) / "postgres")
        try:
            write(server.start())
        finally:
            server.stop()


if __name__ == "__main__":
    main()
