"""The files that a run of the models works with, read once: models, views and tallies, and those of the counts.

Ours are in include/sql, a deployment's own models and views in include/deployment (see deployment).
"""

from dataclasses import dataclass

from cht_sync import sql
from cht_sync.errors import ConfigurationInvalid
from cht_sync.models.counts import areas, fold, tallies
from cht_sync.models.counts.fold import Fold
from cht_sync.models.files import definition, deployment
from cht_sync.models.files.definition import Relation
from cht_sync.models.files.deployment import Failures

#: The counts of every area, and those by sex and age: the names by which marts and checks read them.
COUNTS = areas.NAMES

#: Documents that could not be staged: the name by which marts read them.
REJECTED = "rejected"


@dataclass(frozen=True)
class Catalogue:
    """The models, each after those that it reads, and the views: ours, then the deployment's; the tallies; the counts.

    `stamps` has for each name what decides its rows: where it is another one, everything of that name is made again.
    """

    models: list[Relation]
    views: list[Relation]
    tallies: list[Relation]
    counts: Fold
    stamps: dict[str, str]
    failures: Failures

    @property
    def shown(self) -> list[Relation]:
        """All that have a view in the schema models."""
        return [*self.models, *self.views, *self.tallies]

    @property
    def versioned(self) -> set[str]:
        """Names that have a version, or had one until their file failed: a mart or a check can have them in `reads`."""
        return {*COUNTS, REJECTED, *(file.name for file in (*self.models, *self.tallies)), *self.failures.names}

    def require_readable(self, kind: str, file: Relation, *, may_be_empty: bool = False) -> None:
        """Raises ConfigurationInvalid if the `reads` of a mart or a check has no version that could change."""
        if set(file.reads) - self.versioned or not (file.reads or may_be_empty):
            raise ConfigurationInvalid(
                f"The {kind} {file.name} has a `reads` that is empty or names what is no model",
                f"Name models in it, or {' and '.join(COUNTS)} for the counts of areas, in {file.file}",
            )


def read(include: sql.Include = sql.INCLUDE, timezone: str = "UTC") -> Catalogue:
    """Reads include/sql and include/deployment as they are now. Raises ConfigurationInvalid if one of ours is wrong."""
    ours, views, failures = definition.folder("models", include), definition.folder("models/views", include), Failures()
    counted, folded = tallies.read(include), fold.read(include)
    taken = {*areas.TABLES, REJECTED, *(file.name for file in (*views, *counted))}
    models = deployment.extend("models", ours, include, failures, taken)
    stamps = {file.name: tallies.stamp(file, views, timezone) for file in counted}
    taken |= {file.name for file in models} | failures.names
    views = deployment.extend("views", views, include, failures, taken)
    stamps |= {file.name: file.hash for file in (*models, *views)} | dict.fromkeys(COUNTS, folded.hash)
    return Catalogue(models, views, counted, folded, stamps, failures)
