"""The redaction of documents before they are stored. Pure, no I/O."""

from typing import Any

import msgspec

#: Version of the rules below. A row that was staged by another version is written again when it is read again.
REDACTION_VERSION = 1

#: The version of a row from couch2pg's table. couch2pg changes documents: JavaScript's numbers, no NUL.
SEEDED = 0

#: The keys of an account that are kept. The others hold the password's hash, login tokens, and what servers add later.
ACCOUNT_KEYS = ("_id", "_rev", "name", "type", "roles", "contact_id", "facility_id")


def redact(body: bytes, database: str) -> bytes | None:
    """The document as it may be stored; None for an account that cannot be parsed, and so not be redacted."""
    if database != "_users":
        return body
    try:
        account = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return msgspec.json.encode({key: account[key] for key in ACCOUNT_KEYS if key in account})
