"""Where a CouchDB is, and which addresses a login may be sent to."""

import ipaddress
from dataclasses import dataclass, field

import msgspec

from cht_sync.errors import ConfigurationInvalid


@dataclass(frozen=True)
class Server:
    """Where a CouchDB is and how to log in. `url` has no login; `verify` is True, or a file of certificates."""

    url: str
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    verify: str | bool = True

    @classmethod
    def at(
        cls,
        host: str,
        *,
        scheme: str = "https",
        port: int | None = None,
        path: str = "",
        allow_http: bool = False,
        **login: str | bool | None,
    ) -> "Server":
        """The server of a connection's fields. Raises ConfigurationInvalid, also for http that is not allowed."""
        if not host or "/" in host or "@" in host:
            raise ConfigurationInvalid(
                "The connection's host is not a host name",
                "Give the name alone; scheme, port and path have fields of their own",
            )
        if scheme not in ("http", "https"):
            raise ConfigurationInvalid(f"The connection's scheme is {scheme!r}", "Use https, or http on a safe network")
        if scheme == "http" and not (allow_http or _local(host)):
            raise ConfigurationInvalid(
                f"The connection would send the password to {host} without encryption",
                'Use https, or set "allow_http" in the connection if the network between is safe',
            )
        name = f"[{host}]" if ":" in host else host
        at_port = f":{port}" if port else ""
        prefix = path.strip("/")
        return cls(f"{scheme}://{name}{at_port}" + (f"/{prefix}" if prefix else ""), **login)  # type: ignore[arg-type]


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Identity(msgspec.Struct, frozen=True):
    """How a database is recognised: `kind` names the value. Only identities of the same kind can be compared."""

    kind: str
    value: str
