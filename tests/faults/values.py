"""JSON values for comparison, read by another parser than the code's. Pure, no I/O."""

import json
from decimal import Decimal
from typing import Any

#: The limits of jsonb: digits before the point, and levels of nesting.
DIGITS, LEVELS = 131_072, 5_000

#: Python's parser fails near this depth, and other threads may fail with it: such a text is not parsed.
DEEP = "[" * 900

#: An id of more bytes is rejected.
LONGEST_ID = 1_000


def parse(text: bytes | str) -> Any:
    """The value with exact numbers. A text that is too deep for Python's parser stays a text."""
    whole = text.decode() if isinstance(text, bytes) else text
    if DEEP in whole:
        return whole
    try:
        return json.loads(whole, parse_int=Decimal, parse_float=Decimal)
    except RecursionError:
        return whole


def without_nul(value: Any) -> Any:
    """The value as Postgres can hold it: U+FFFD in place of each NUL."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value


def unholdable(name: str, value: Any, size: int, longest: int) -> bool:
    """Whether a document must, or may, be rejected."""
    if "\0" in name or len(name.encode()) > LONGEST_ID or size > longest:
        return True
    return isinstance(value, str) or _odd(value)


def _odd(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, Decimal):
        return value.is_finite() and value.adjusted() >= DIGITS
    if isinstance(value, list):
        return any(map(_odd, value))
    if isinstance(value, dict):
        return any(_odd(key) or _odd(item) for key, item in value.items())
    return False
