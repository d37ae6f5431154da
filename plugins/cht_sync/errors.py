"""What can go wrong, and what to do about it.

    SyncError
    ├── PassingError            try again
    │   ├── Unreachable             refused, reset, timed out
    │   ├── ServerBusy              408, 429, 5xx
    │   ├── PageCut                 the body ended before its last line
    │   ├── CheckpointMoved         another run has written since this one began
    │   ├── AnotherRun              another run holds the lock
    │   └── WarehouseUnreachable
    └── FinalError              trying again changes nothing
        ├── LoginRefused            401, 403
        ├── DatabaseMissing         404
        ├── SinceRefused            400 on a checkpoint
        ├── NotCouchDB              an answer that CouchDB does not give
        ├── FirstCopy               it is just copied for the first time, in ranges
        ├── SourceReplaced          another database under the same name
        ├── ConfigurationInvalid
        ├── WarehouseUnusable       too old, read-only, missing, wrong password
        ├── SchemaMismatch          the ledger of migrations differs from the files
        ├── ModelFailed             a model's SQL failed
        ├── FiguresOld              a source is older than its fresh_within
        ├── CheckFailed             a check of the counts found something wrong
        └── CopyDiffers             a comparison found what it did not make right

A message is one sentence on what happened and one on what to do. It never holds a document's contents, a password or an
address with credentials: it is shown in logs and pages.
"""


class SyncError(Exception):
    """{what}. {advice}"""

    is_ours = True  # its text holds no document: it may be sent to people
    is_notified = False  # it was sent within a day already

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what, advice)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what}. {self.advice}"


class PassingError(SyncError):
    """Passes by itself as a rule: the task is tried again, with back-off."""


class FinalError(SyncError):
    """Stays until somebody does something: the task fails at once."""


class Unreachable(PassingError):
    """CouchDB did not answer."""


class ServerBusy(PassingError):
    """CouchDB, or a proxy before it, asks to come back later."""

    def __init__(self, what: str, advice: str, retry_after: float | None = None) -> None:
        super().__init__(what, advice)
        self.retry_after = retry_after  # seconds, where the server said so


class PageCut(PassingError):
    """The body of a page ended before its last line."""


class CheckpointMoved(PassingError):
    """Another run has written to this source since this one began."""


class AnotherRun(PassingError):
    """Another run holds the lock."""


class WarehouseUnreachable(PassingError):
    """Postgres did not answer, or ended the connection."""


class LoginRefused(FinalError):
    """CouchDB refused the login, or the login may not read this."""


class DatabaseMissing(FinalError):
    """There is no such database at that server."""


class SinceRefused(FinalError):
    """CouchDB does not take the stored checkpoint."""


class NotCouchDB(FinalError):
    """Something answered that is not CouchDB, or not as CouchDB does."""


class FirstCopy(FinalError):
    """The source is just copied for the first time, in ranges: nothing else may write it."""


class SourceReplaced(FinalError):
    """The database is another one than the one copied so far."""


class ConfigurationInvalid(FinalError):
    """A connection or include/instances.toml cannot be used as it is."""


class WarehouseUnusable(FinalError):
    """The warehouse cannot be used as it is."""


class SchemaMismatch(FinalError):
    """The migrations applied are not those of this version."""


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
    """The copy is not as CouchDB has it, and was not made so."""
