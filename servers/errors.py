"""Errors that stop the demo, each with advice."""

from cht_sync.errors import SyncError


class DemoError(SyncError):
    """Something the demo needs is missing, taken or did not start."""
