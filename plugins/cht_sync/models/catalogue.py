"""The files that a run of the models works with, read once: models, views, tallies and the relations of the counts.

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

#: The name by which marts read the documents that were rejected.
REJECTED = "rejected"


@dataclass(frozen=True)
class Catalogue:
    """The models, each after those that it reads; the views; the tallies; the counts. Ours precede the deployment's.

    `stamps`: by name, a hash of everything that decides the rows. If it has changed, the relation is rebuilt.
    """

    models: list[Relation]
    views: list[Relation]
    tallies: list[Relation]
    counts: Fold
    stamps: dict[str, str]
    failures: Failures

    @property
    def shown(self) -> list[Relation]:
        """All relations that have a view in the schema models."""
        return [*self.models, *self.views, *self.tallies]

    @property
    def versioned(self) -> set[str]:
        """Names with a version, or with one until their file failed. The `reads` of marts and checks may have these."""
        return {*COUNTS, REJECTED, *(file.name for file in (*self.models, *self.tallies)), *self.failures.names}

    def require_readable(self, kind: str, file: Relation, *, may_be_empty: bool = False) -> None:
        """Raises ConfigurationInvalid if the `reads` of a mart or a check is empty, or names something else."""
        if set(file.reads) - self.versioned or not (file.reads or may_be_empty):
            raise ConfigurationInvalid(
                f"The {kind} {file.name} has a `reads` that is empty or has a name that is no model",
                f"Name models in it, or {' and '.join(COUNTS)} for the counts of areas, in {file.file}",
            )


def read(include: sql.Include = sql.INCLUDE, timezone: str = "UTC") -> Catalogue:
    """Reads include/sql and include/deployment. Raises ConfigurationInvalid if one of our files is wrong."""
    ours, views, failures = definition.folder("models", include), definition.folder("models/views", include), Failures()
    counted, folded = tallies.read(include), fold.read(include)
    taken = {*areas.TABLES, REJECTED, *(file.name for file in (*views, *counted))}
    models = deployment.extend("models", ours, include, failures, taken)
    stamps = {file.name: tallies.stamp(file, views, timezone) for file in counted}
    taken |= {file.name for file in models} | failures.names
    views = deployment.extend("views", views, include, failures, taken)
    stamps |= {file.name: file.hash for file in (*models, *views)} | dict.fromkeys(COUNTS, folded.hash)
    return Catalogue(models, views, counted, folded, stamps, failures)
