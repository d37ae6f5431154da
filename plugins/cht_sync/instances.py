"""Reads include/instances.toml: which databases of which CouchDB servers are copied, and when."""

import re
import tomllib
import zoneinfo
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from croniter import croniter

from cht_sync import sql
from cht_sync.errors import ConfigurationInvalid

FILE = sql.DEPLOYED / "instances.toml"

Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]*$")]
#: https://docs.couchdb.org/en/stable/api/database/common.html#put--db, and the system databases with their underscore
Database = Annotated[str, msgspec.Meta(pattern=r"^[a-z_][a-z0-9_$()+/-]*$")]

#: A host: readers of v1 take the text before the first slash for the instance
SourceName = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+$")]

#: Of `fresh_within`: "90 minutes", "2 hours", "1 day".
_SPAN = re.compile(r"([1-9]\d{0,5}) (minute|hour|day)s?")


class Instance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One CHT server. `schedule` is a cron expression in the deployment's time zone; None: by Trigger only.

    cht_freshness reports figures that are older than `fresh_within`; None: it reports none. `pool` is the Airflow pool
    of all tasks that read this server. `source_name` is its name in the views of v1; None: the same as `name`.
    """

    name: Name
    connection: Annotated[str, msgspec.Meta(min_length=1)]
    databases: Annotated[tuple[Database, ...], msgspec.Meta(min_length=1)]
    schedule: str | None = None
    active: bool = True
    fresh_within: str | None = None
    pool: Annotated[str, msgspec.Meta(min_length=1)] = "default_pool"
    source_name: SourceName | None = None

    def source(self, database: str) -> str:
        """The key of the database in every table."""
        return f"{self.name}/{database}"

    def shown(self, database: str) -> str:
        """The name of the database in v1.couchdb."""
        return f"{self.source_name or self.name}/{database}"

    @property
    def limit(self) -> timedelta | None:
        """`fresh_within` as a span; None if it is not set."""
        found = _SPAN.fullmatch(self.fresh_within or "")
        return timedelta(**{f"{found[2]}s": int(found[1])}) if found else None

    @property
    def sources(self) -> dict[str, str]:
        """Each source with its database."""
        return {self.source(database): database for database in self.databases}


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    timezone: str
    instances: tuple[Instance, ...] = msgspec.field(name="instance", default=())


def read(path: Path = FILE) -> Configuration:
    """The file's values. Raises ConfigurationInvalid, which names the wrong key."""
    try:
        configuration = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Configuration)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(path, str(error)) from None
    except msgspec.ValidationError as error:
        raise _invalid(path, str(error).replace("`$.", "`").replace("at `$`", "at the top of the file")) from None
    if mistake := next(_mistakes(configuration), None):
        raise _invalid(path, mistake)
    return configuration


def valid(path: Path = FILE) -> Configuration | None:
    """The file's values; None if it is invalid. `read` says why: only one DAG file reports it, not each."""
    try:
        return read(path)
    except ConfigurationInvalid:
        return None


def _invalid(path: Path, mistake: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"{path.name}: {mistake}", f"Correct include/{path.name}; nothing runs until then")


def _mistakes(configuration: Configuration) -> Iterator[str]:
    """The mistakes that the types above do not find."""
    if configuration.timezone not in zoneinfo.available_timezones():
        yield f"`timezone` is {configuration.timezone!r}, which is not in the tz database (such as Africa/Nairobi)"
    seen: set[str] = set()
    for number, instance in enumerate(configuration.instances):
        key = f"instance[{number}]"
        if instance.name in seen:
            yield f"`{key}.name` is {instance.name!r}, as is another instance's"
        seen.add(instance.name)
        if len(set(instance.databases)) < len(instance.databases):
            yield f"`{key}.databases` names a database twice"
        if instance.schedule is not None and not croniter.is_valid(instance.schedule):
            yield f"`{key}.schedule` is {instance.schedule!r}, which is not a cron expression (such as */5 * * * *)"
        if instance.fresh_within is not None and instance.limit is None:
            yield f"`{key}.fresh_within` is {instance.fresh_within!r}, which is not as 90 minutes, 2 hours or 1 day"
