"""What keeps the demo from running, with what to do about it."""

from cht_sync.errors import SyncError


class DemoError(SyncError):
    """Something the demo needs is missing, taken or did not start."""
