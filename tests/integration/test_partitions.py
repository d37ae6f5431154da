"""Autovacuum's settings are on every partition, and vacuum keeps a partition that is edited again and again small."""

from typing import Any

from cht_sync import warehouse
from cht_sync.copy import write

from tests.lib.pages import SOURCE, Warehouse, doc

PARTITION = "select reloptions, reltoastrelid from pg_class where relname = cht.partition_name(%s)"


def options(connection: warehouse.Connection, source: str) -> tuple[dict[str, str], dict[str, str]]:
    """Of the partition, and of its TOAST table."""
    row = connection.execute(PARTITION, [source]).fetchone()
    assert row
    toast = connection.execute("select reloptions from pg_class where oid = %s", [row[1]]).fetchone()
    assert toast
    return pairs(row[0]), pairs(toast[0])


def pairs(given: Any) -> dict[str, str]:
    return dict(each.split("=") for each in given or [])


def test_each_partition_is_vacuumed_when_a_hundredth_of_it_changed(staged: Warehouse) -> None:
    write.prepare(staged.connection, {"other/medic": ("other", "medic")})
    for source in (SOURCE, "other/medic"):
        own, toast = options(staged.connection, source)
        assert own == {
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "5000",
            "autovacuum_vacuum_insert_scale_factor": "0.02",
            "autovacuum_vacuum_insert_threshold": "20000",
            "autovacuum_analyze_scale_factor": "0.01",
            "autovacuum_analyze_threshold": "5000",
        }
        assert toast == {name: value for name, value in own.items() if "analyze" not in name}


def test_rows_written_again_take_the_room_of_those_before_once_vacuumed(staged: Warehouse) -> None:
    def write(rev: int) -> int:
        staged.write(*(doc(f"d{number}", '{"n":"' + "x" * 500 + '"}', f"{rev}-a") for number in range(1000)))
        staged.connection.execute("vacuum staging.document")
        row = staged.connection.execute(
            "select pg_relation_size(oid) from pg_class where relname = cht.partition_name(%s)", [SOURCE]
        ).fetchone()
        assert row
        return int(row[0])

    first, *later = (write(rev) for rev in range(1, 7))
    assert max(later) <= 2.1 * first
