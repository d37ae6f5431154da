from datetime import timedelta
from pathlib import Path

import pytest
from cht_sync import instances
from cht_sync.errors import ConfigurationInvalid

GOOD = """
timezone = "Africa/Nairobi"
[[instance]]
name = "kitui"
connection = "couchdb_kitui"
databases = ["medic", "_users"]
schedule = "*/5 * * * *"
"""


def read(tmp_path: Path, text: str) -> instances.Configuration:
    file = tmp_path / "instances.toml"
    file.write_text(text)
    return instances.read(file)


def test_an_instance_and_its_sources(tmp_path: Path) -> None:
    (instance,) = read(tmp_path, GOOD).instances
    assert instance.sources == {"kitui/medic": "medic", "kitui/_users": "_users"}
    assert instance.active


def test_the_name_that_others_read(tmp_path: Path) -> None:
    (instance,) = read(tmp_path, GOOD).instances
    assert instance.shown("medic") == "kitui/medic"
    (instance,) = read(tmp_path, GOOD + 'source_name = "cht.example.org"\n').instances
    assert instance.shown("_users") == "cht.example.org/_users"
    assert instance.source("_users") == "kitui/_users"


def test_the_file_that_is_shipped_is_good() -> None:
    assert instances.read().instances


@pytest.mark.parametrize(
    ("good", "bad", "named"),
    [
        ('timezone = "Africa/Nairobi"', "", "timezone"),
        ('"Africa/Nairobi"', '"Nairobi"', "timezone"),
        ('"kitui"', '"Kitui county"', "instance[0].name"),
        ('"kitui"', "5", "instance[0].name"),
        ('connection = "couchdb_kitui"', "", "connection"),
        ('["medic", "_users"]', "[]", "instance[0].databases"),
        ('["medic", "_users"]', '"medic"', "instance[0].databases"),
        ('["medic", "_users"]', '["medic", "Medic"]', "instance[0].databases[1]"),
        ('["medic", "_users"]', '["medic", "medic"]', "instance[0].databases"),
        ('"*/5 * * * *"', '"every 5 minutes"', "instance[0].schedule"),
        ("schedule", "shedule", "shedule"),
        ('schedule = "*/5 * * * *"', 'fresh_within = "soon"', "instance[0].fresh_within"),
        ('schedule = "*/5 * * * *"', 'fresh_within = "0 hours"', "instance[0].fresh_within"),
        ('schedule = "*/5 * * * *"', 'source_name = "cht.example.org/medic"', "instance[0].source_name"),
        ('schedule = "*/5 * * * *"', 'source_name = ""', "instance[0].source_name"),
        ("[[instance]]", "[[instance]", "line 3"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, good: str, bad: str, named: str) -> None:
    assert good in GOOD
    with pytest.raises(ConfigurationInvalid) as raised:
        read(tmp_path, GOOD.replace(good, bad))
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "limit"),
    [("90 minutes", timedelta(minutes=90)), ("1 day", timedelta(days=1)), ("2 hours", timedelta(hours=2))],
)
def test_how_old_figures_may_be(tmp_path: Path, written: str, limit: timedelta) -> None:
    (instance,) = read(tmp_path, GOOD + f'fresh_within = "{written}"').instances
    assert instance.limit == limit
    assert read(tmp_path, GOOD).instances[0].limit is None


def test_two_instances_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="another instance"):
        read(tmp_path, GOOD + GOOD.partition("[[instance]]")[1] + GOOD.partition("[[instance]]")[2])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"instances\.toml"):
        instances.read(tmp_path / "instances.toml")
    assert instances.valid(tmp_path / "instances.toml") is None
