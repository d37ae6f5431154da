"""The counts of every area, kept in model_data.area_fold."""

from collections.abc import Collection
from pathlib import Path

from cht_sync import relation, sql, warehouse

#: The models that the counts are made of.
INPUTS = frozenset({"contact", "person", "place"})


SOURCES = 'create temporary table fold_source (source text collate "C" primary key) on commit drop'


def recount(connection: warehouse.Connection, sources: Collection[str] | None, include: Path = sql.INCLUDE) -> int:
    """Counts these sources again (None: all), and the main ones never counted; how many rows differed and were written.

    Raises ModelFailed.
    """
    connection.execute(SOURCES)
    chosen = connection.execute(
        """
        insert into pg_temp.fold_source (source)
        select checkpoint.source
        from ops.checkpoint
        where cht.is_main(checkpoint.source) and checkpoint.mode <> 'copying' and (
            %(all)s
            or checkpoint.source = any(%(sources)s)
            or not exists (
                select from model_data.area_fold as fold
                where fold.source = checkpoint.source and fold.area_uuid = ''
            )
        )
        """,
        {"all": sources is None, "sources": list(sources or [])},
    ).rowcount
    if not chosen:
        return 0
    fold = relation.parse("area_fold", sql.read("counts/area_fold", include))
    with relation.telling(fold):
        cursor = connection.execute(fold.text.encode())
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    return int(row[0]) if row else 0
