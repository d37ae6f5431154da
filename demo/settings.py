"""The settings of the demo, by environment: SIZE, SEED, DATA, ONCE, OUT, PORT, COUCHDB_URL, CHT_WAREHOUSE_DSN."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import conninfo

from servers.errors import DemoError


@dataclass(frozen=True)
class CouchDB:
    """A server: `url` holds no credentials."""

    url: str
    login: str
    password: str

    @property
    def auth(self) -> tuple[str, str]:
        return self.login, self.password


@dataclass(frozen=True)
class Settings:
    """`size` is in documents; `port` is the UI's, 0 for a free one; None means the demo's own."""

    size: int = 20_000
    seed: int = 1
    data: Path | None = None
    once: bool = False
    out: Path | None = None
    port: int = 0
    couchdb: CouchDB | None = None
    warehouse: str | None = None

    @property
    def content(self) -> str:
        """Identifies the loaded documents: the same for the same documents on the same server."""
        what = ["county", self.seed, self.size]
        if self.data:
            with self.data.open("rb") as file:
                what = ["data", hashlib.file_digest(file, "sha256").hexdigest()]
        warehouse = conninfo.conninfo_to_dict(self.warehouse or "")
        place = [warehouse.get(name) for name in ("host", "port", "dbname")]
        return json.dumps([*what, self.couchdb.url if self.couchdb else None, place])


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises DemoError, which names the variable that is wrong."""
    given = {name: value for name, value in environment.items() if value}
    settings = Settings(
        size=_number(given, "SIZE", Settings.size, least=100),
        seed=_number(given, "SEED", Settings.seed),
        data=Path(given["DATA"]) if "DATA" in given else None,
        once=given.get("ONCE", "0") not in ("0", "no", "false"),
        out=Path(given["OUT"]) if "OUT" in given else None,
        port=_number(given, "PORT", Settings.port, most=65535),
        couchdb=_couchdb(given["COUCHDB_URL"]) if "COUCHDB_URL" in given else None,
        warehouse=_warehouse(given.get("CHT_WAREHOUSE_DSN")),
    )
    if settings.data and not (settings.data.is_file() and os.access(settings.data, os.R_OK)):
        raise DemoError(
            f"There is no readable file {settings.data}", "DATA=FILE.ndjson names a file with one document a line"
        )
    if settings.out and not os.access(settings.out.absolute().parent, os.W_OK):
        raise DemoError(
            f"{settings.out} cannot be written", "OUT=FILE.csv names a file in a folder that you may write to"
        )
    return settings


def _number(given: Mapping[str, str], name: str, default: int, least: int = 0, most: int = 100_000_000) -> int:
    text = given.get(name, str(default)).replace("_", "")
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise DemoError(
            f"{name} is {given[name]!r}", f"It is a number from {least} to {most}, such as {name}={default}"
        )
    return int(text)


def _warehouse(dsn: str | None) -> str | None:
    """The address is never repeated in an error: it holds a password."""
    try:
        conninfo.conninfo_to_dict(dsn or "")
    except psycopg.Error:
        raise DemoError(
            "CHT_WAREHOUSE_DSN is not an address", "It is written postgresql://login:password@host/base"
        ) from None
    return dsn


def _couchdb(url: str) -> CouchDB:
    """The address is never repeated in an error: it holds a password."""
    form = "It is written http://login:password@host:5984, the login and password URL-encoded"
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise DemoError("COUCHDB_URL is not an address", form) from None
    if parts.scheme not in ("http", "https") or not host or not parts.username or parts.password is None:
        raise DemoError("COUCHDB_URL lacks its scheme, host, login or password", form)
    address = f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")
    return CouchDB(address, unquote(parts.username), unquote(parts.password))
