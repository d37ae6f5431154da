"""The errors of this package, and what to do about each.

    SyncError
    ├── PassingError            the request or the task is retried
    │   ├── Unreachable             refused, reset, timed out
    │   ├── ServerBusy              408, 429, 5xx
    │   ├── PageCut                 an answer is truncated: it ended before its last line
    │   ├── CheckpointMoved         another run has written since this one began
    │   ├── AnotherRun              another run holds the lock
    │   └── WarehouseUnreachable
    └── FinalError              a retry changes nothing
        ├── LoginRefused            401, 403
        ├── DatabaseMissing         404
        ├── SinceRefused            400 on a checkpoint
        ├── NotCouchDB              an answer that CouchDB does not give
        ├── FirstCopy               a first copy in ranges is unfinished
        ├── SourceReplaced          the address has another database than was copied
        ├── ConfigurationInvalid
        ├── WarehouseUnusable       too old, read-only, missing, wrong password
        ├── SchemaMismatch          the ledger of migrations differs from the files
        ├── ModelFailed             a model's SQL failed
        ├── FiguresOld              a copy or a mart is older than fresh_within
        ├── CheckFailed             a check of the counts found something wrong
        └── CopyDiffers             a comparison left something over

A message is one sentence on what happened and one on what to do. It never contains a document's contents, a password
or an address with credentials, as it is shown in logs and pages.
"""


class SyncError(Exception):
    """{what}. {advice}"""

    is_ours = True  # its text contains no document: it may be sent to people
    is_notified = False  # whether a notifier was notified of it within a day

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what}. {self.advice}"


class PassingError(SyncError):
    """Usually passes by itself: the request or the task is retried, with back-off."""


class FinalError(SyncError):
    """Stays until somebody acts: the task fails at once."""


class Unreachable(PassingError):
    """CouchDB did not answer."""


class ServerBusy(PassingError):
    """CouchDB, or a proxy before it, could not answer now."""

    def __init__(self, what: str, advice: str, retry_after: float | None = None) -> None:
        super().__init__(what, advice)
        self.retry_after = retry_after  # seconds, if the server asked for a wait


class PageCut(PassingError):
    """An answer is truncated: its body ended before its last line."""


class CheckpointMoved(PassingError):
    """Another run has written to this source since this one began."""


class AnotherRun(PassingError):
    """Another run holds the lock."""


class WarehouseUnreachable(PassingError):
    """Postgres did not answer, or ended the connection."""


class LoginRefused(FinalError):
    """CouchDB refused the login, or the login may not read this."""


class DatabaseMissing(FinalError):
    """The server has no such database."""


class SinceRefused(FinalError):
    """CouchDB does not take the stored checkpoint."""


class NotCouchDB(FinalError):
    """Something answered that is not CouchDB, or an answer is not CouchDB's."""


class FirstCopy(FinalError):
    """The first copy of the source in ranges is unfinished: nothing else may write the source."""


class SourceReplaced(FinalError):
    """The database is another than was copied."""


class ConfigurationInvalid(FinalError):
    """A connection or include/instances.toml cannot be used as it is."""


class WarehouseUnusable(FinalError):
    """The warehouse cannot be used as it is."""


class SchemaMismatch(FinalError):
    """The applied migrations are not those of this version."""


class ModelFailed(FinalError):
    """The SQL of a model or a mart failed."""


class FiguresOld(FinalError):
    """A source's copy or mart is older than its instance's fresh_within."""


class CheckFailed(FinalError):
    """Numbers are wrong: a check of the models and the counts found something."""

    def __init__(self, what: str, advice: str, is_notified: bool = False) -> None:
        super().__init__(what, advice)
        self.is_notified = is_notified


class CopyDiffers(FinalError):
    """The copy differs from CouchDB, and was not repaired."""
