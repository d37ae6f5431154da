"""Living persons by sex and age for every place, in plain Python: an independent check on the SQL.

It counts the live documents of one source on a day, as tests.lib.expected counts persons: it walks up from each.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.lib.expected import UNPLACED, County, Document, is_number

#: The ages with which the bands begin.
BANDS = {50: "50 and over", 15: "15 to 49", 10: "10 to 14", 5: "5 to 9", 1: "1 to 4", 0: "0"}

SEXES = {
    "female": {"female", "f", "woman", "girl"},
    "male": {"male", "m", "man", "boy"},
    "unknown": {"", "unknown", "u"},
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?")

#: {(sex, band): {"direct_persons": …, …}}
Bands = dict[tuple[str, str], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Born:
    """The sex and the birth in a person's document."""

    sex: str
    on: date | None


def counts(documents: Iterable[Document], today: date) -> dict[str, Bands]:
    """By place, also places without living persons, and under UNPLACED; empty bands are left out."""
    documents = [document for document in documents if not document.get("_deleted")]
    county, born = County(documents), {document["_id"]: of(document) for document in documents}
    counted: dict[str, defaultdict[tuple[str, str], Counter[str]]] = {
        uuid: defaultdict(Counter) for uuid in [*county.places, UNPLACED]
    }
    for person in county.persons():
        if person.deceased:
            continue
        above = [place.id for place in county.ancestors(person)]
        key = born[person.id].sex, band(born[person.id].on, today)
        for uuid in above or [UNPLACED]:
            direct = not above or person.chain[0] == uuid
            for column, counts_here in (("total", True), ("direct", direct)):
                counted[uuid][key][f"{column}_persons"] += counts_here
                counted[uuid][key][f"{column}_patients"] += counts_here and person.patient
    return {uuid: {key: dict(numbers) for key, numbers in bands.items()} for uuid, bands in counted.items()}


def of(document: Document) -> Born:
    approximate = document.get("ephemeral_dob")
    inner = approximate.get("dob_iso") if isinstance(approximate, Mapping) else None
    written = (day(value) for value in (document.get("date_of_birth"), document.get("dob_iso"), inner))
    return Born(sex(document.get("sex")), next((found for found in written if found), None))


def sex(value: Any) -> str:
    text = "" if value is None else str(value).strip(" ").lower()
    return next((name for name, texts in SEXES.items() if text in texts), "other")


def day(value: Any) -> date | None:
    """The day of a text that is a day, or of a moment in UTC; None if there is none, or no calendar has it."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return _try(lambda: date.fromisoformat(value))
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return _try(lambda: _utc(datetime.fromisoformat(value.replace(" ", "T", 1).replace(" ", ""))))
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,16}", value):
        return _try(lambda: (_EPOCH + timedelta(milliseconds=int(value))).date())
    if is_number(value) and value:
        return _try(lambda: (_EPOCH + timedelta(milliseconds=value)).date())
    return None


def band(born: date | None, today: date) -> str:
    """The band of persons who have reached that birthday."""
    if born is None or born > today:
        return "unknown"
    return next(name for age, name in BANDS.items() if birthday(born, age) <= today)


def birthday(born: date, age: int) -> date:
    """The birthday of a year; for 29 February the 28th, if the year has no 29th."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return born.replace(year=born.year + age, day=28)


def _try(read: Any) -> date | None:
    try:
        found: date = read()
    except (ValueError, OverflowError):
        return None
    return found


def _utc(moment: datetime) -> date:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).date()
