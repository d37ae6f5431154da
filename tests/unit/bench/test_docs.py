"""The page of figures: what was measured stands between its marks, all else stays as it was written."""

from bench import docs

PAGE = "Before\n<!-- some -->\nold\n<!-- end -->\nbetween\n<!-- other -->\nkept\n<!-- end -->\nafter\n"
RESULT = {
    "name": "some",
    "at": "2026-11-24T08:00:00+00:00",
    "machine": {"cpu": "A processor", "cores": 2, "memory_gb": 8.1, "system": "Linux"},
    "versions": {"python": "3.11"},
    "rows": [{"what": "copy", "seconds": 1.234}, {"what": "copy", "documents": 20_000}],
    "goals": [
        {"name": "pace", "value": 1.4, "bound": 1.35, "at_most": True, "met": False},
        {"name": "speed", "value": None, "bound": 2, "at_most": False, "met": False},
    ],
}


def test_results_take_the_place_of_those_before() -> None:
    assert docs.fill(PAGE, {"some": RESULT}) == (
        "Before\n<!-- some -->\n"
        "Measured 2026-11-24 on 2 cores of A processor, 8.1 GB, Linux; python 3.11.\n\n"
        "| what | seconds | documents |\n| --- | --: | --: |\n| copy | 1.23 |  |\n| copy |  | 20,000 |\n\n"
        "| goal | value | bound | met |\n| --- | --- | --- | --- |\n"
        "| pace | 1.40 | at most 1.35 | **no** |\n| speed | not measured | at least 2 | **no** |\n"
        "<!-- end -->\nbetween\n<!-- other -->\nkept\n<!-- end -->\nafter\n"
    )


def test_what_was_not_measured_stays() -> None:
    assert docs.fill(PAGE, {}) == PAGE
