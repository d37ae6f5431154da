"""The models of one document of each kind, and of documents that have broken pipelines."""

import json
from typing import Any

from cht_sync.models.files import definition

from tests.lib.paths import ROOT
from tests.lib.staged import Staged

DATA = ROOT / "county" / "data"

#: The databases that are copied; documents of other databases are never staged.
COPIED = ("medic", "medic-sentinel", "medic-users-meta", "medic-archive")


def examples() -> dict[str, list[dict[str, Any]]]:
    """The documents by database, without those that are never staged; the last of several with one _id."""
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in COPIED}
    for line in (DATA / "doc-types.ndjson").read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        document = example["doc"]
        if example["db"] in COPIED and not document.get("_deleted") and not document["_id"].startswith("_design/"):
            found[example["db"]][document["_id"]] = document
    return {database: list(documents.values()) for database, documents in found.items()}


def stage(staged: Staged) -> None:
    for database, documents in examples().items():
        if database != "medic":
            staged.source(f"demo/{database}")
        staged.page(documents, source=f"demo/{database}")
    staged.update()


def uuids(staged: Staged, model: str) -> list[str]:
    return staged.values(f'select distinct _id from models."{model}" order by _id')


def test_each_kind_of_document_is_in_its_models(staged: Staged) -> None:
    stage(staged)
    person = "11111111-0000-4000-8000-00000000000"
    agatha = "org.couchdb.user:agatha"
    persons = [f"{person}4", "chw-old", "f-1", "p-both", "p-dead1", "p-dead2", "p-muted", "p-sms"]
    places = [f"{person}{number}" for number in "123"] + ["e-hh"]
    reports = [f"{person}6", "r-err", "r-mute", "r-sms", "training:cards-1:janet:abc"]
    assert uuids(staged, "contact") == sorted(persons + places)
    assert uuids(staged, "person") == persons
    assert uuids(staged, "place") == places
    assert uuids(staged, "patient") == [uuid for uuid in persons if uuid not in ("chw-old", "p-both")]
    assert uuids(staged, "report") == reports
    assert uuids(staged, "data_record") == sorted([*reports, "m-in", "m-out"])
    assert uuids(staged, "user") == [agatha]
    assert uuids(staged, "configured_type") == ["settings"]
    assert uuids(staged, "task") == [f"task~{agatha}~pregReport~pregnancy-facility-visit-reminder~2~523435132468"]
    assert uuids(staged, "target") == [f"target~2024-05~{person}5~{agatha}"]
    assert uuids(staged, "telemetry") == uuids(staged, "telemetry_devices")
    assert uuids(staged, "telemetry") == ["telemetry-2021-5-4-adama-5517a586-d839-47cf-ae2c-8ca81ac9014b"]
    assert uuids(staged, "feedback") == ["feedback-2021-05-10T23:15:49.718Z-4872eaf3-0e52-42bb-a905-13a11d3aea95"]


def test_the_archive_holds_no_contacts_of_the_present(staged: Staged) -> None:
    stage(staged)
    tables = [file.name for file in definition.folder("models")]
    for table in tables:
        assert staged.values(f'select _id from models."{table}" where source = %s', ["demo/medic-archive"]) == []


def test_no_dirty_document_stops_a_model(staged: Staged) -> None:
    """Only documents whose JSON Postgres can hold: the copy rejects all others earlier."""
    for line in (DATA / "dirty.ndjson").read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)["raw"]
        try:
            document = json.loads(raw)
        except RecursionError:
            continue
        if "\\u0000" not in raw and "\\ud83d" not in raw:
            staged.page([document])
    staged.update()
    every = staged.values("select distinct _id from staging.document where type = 'person'")
    assert staged.values("select count(*) from models.contact where contact_type = 'person'") == [len(every)]
    for file in definition.folder("models"):
        for row in staged.rows(f'select to_jsonb(model) from models."{file.name}" as model'):
            assert row[0]["source"] == "demo/medic"
