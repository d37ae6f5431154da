"""Secrets of the demo: random, made once, in files that only their owner can read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def password() -> str:
    return secrets.token_urlsafe(24)


def keep(path: Path, make: Callable[[], str] = password) -> str:
    """The text of `path`; a missing file is written with a new secret and mode 600."""
    if path.exists():
        return path.read_text(encoding="utf-8")
    write(path, make())
    return path.read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    """Replaces the file whole, so that a kill never leaves half a secret; its mode is 600 from the first byte on."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
