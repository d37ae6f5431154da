"""What is left out of a document before it is kept. Pure, no I/O."""

from typing import Any

import msgspec

#: Version of the redaction below. A row staged by another version is written again when it is read again.
REDACTION_VERSION = 1

#: The version of a row from couch2pg's table. couch2pg has changed it: numbers as JavaScript holds them, no NUL.
SEEDED = 0

#: What an account keeps. The rest is the password's hash, login tokens, and what servers add in later years.
ACCOUNT_KEYS = ("_id", "_rev", "name", "type", "roles", "contact_id", "facility_id")


def redact(body: bytes, database: str) -> bytes | None:
    """The document as it may be kept; None for an account that cannot be read, and so not be redacted."""
    if database != "_users":
        return body
    try:
        account = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return msgspec.json.encode({key: account[key] for key in ACCOUNT_KEYS if key in account})
