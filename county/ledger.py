"""What the generator knows of its county without reading its documents: a tally of everybody's last place."""

from collections import Counter, defaultdict
from collections.abc import Sequence


class Ledger:
    """Persons and patients by place and state, noted while they are invented; unplaced ones are under ""."""

    def __init__(self) -> None:
        self.places: set[str] = set()
        self.direct: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.total: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def place(self, uuid: str) -> None:
        """A place that exists at the end, even if nobody lives in it."""
        self.places.add(uuid)

    def person(self, path: Sequence[str], state: str, *, patient: bool, direct: bool = True) -> None:
        """A person who exists at the end. `path` is the existing places above, the nearest first.

        `direct` is false if the place that the document names is not the first of them.
        """
        columns = ["persons", f"persons_{state}"] + (["patients", f"patients_{state}"] if patient else [])
        for uuid in path or [""]:
            self.total[uuid].update(columns)
        if direct or not path:
            self.direct[path[0] if path else ""].update(columns)
