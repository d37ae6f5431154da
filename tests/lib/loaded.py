"""The invented county in a CouchDB."""

import dataclasses

from county import generator
from demo import load
from demo.settings import CouchDB


def load_county(
    couchdb: CouchDB, names: dict[str, str], built: generator.County, number: int | None = None
) -> load.Loaded:
    """All rounds, or one."""
    chosen = built.writes if number is None else [built.writes[number]]
    rounds = [[dataclasses.replace(write, database=names[write.database]) for write in writes] for writes in chosen]
    return load.load(couchdb.url, couchdb.auth, rounds, databases=names.values())
