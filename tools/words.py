"""python -m tools.words: the words that we gave up, and lines of Markdown that are too long, in what git tracks.

The English of this project is read by people whose second or third language it is. Each word below has been read
wrongly, or twice; beside it is what to write instead. docs/glossary.md has the terms that we use.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: Each word with what to write instead.
GIVEN_UP = {
    "anew": "again, rebuilt",
    "behind": "after; late, where it is about freshness",
    "beside": "during, alongside, next to",
    r"gone on(?! \w+\.)": "continued, resumed",
    "goes? on with": "continue",
    "go(es|ing)? on from": "resume at",
    "reckon(s|ed|ing)?": "count, compute",
    "refus(e|es|ed|al|als|ing) document": "reject",
    "tell(s|ing)?": "report, say, notify",
    "told": "reported, notified",
    "whoever": "anyone who",
    "whomever": "anyone whom",
    "area_fold": "place_count",
}
PATTERN = re.compile(r"(?<![A-Za-z])(" + "|".join(GIVEN_UP) + r")(?![A-Za-z])", re.IGNORECASE)

#: This list, packages that others named, and what was recorded of a real CouchDB.
LEFT_OUT = re.compile(r"^(tools/words\.py|constraints\.txt|tests/lib/recordings/|county/data/|docs/images/)")
TEXTS = {".md", ".py", ".sql", ".toml", ".yaml", ".js", ".json", ".sh", ".txt", ""}
LONGEST = 120


def main() -> int:
    """0 where nothing is found; else each place is printed, with what to write instead."""
    tracked = subprocess.run(["git", "ls-files", "-z"], stdout=subprocess.PIPE, check=True, text=True).stdout
    files = [Path(name) for name in tracked.split("\0") if name and not LEFT_OUT.match(name)]
    found = [line for file in files if file.suffix in TEXTS and file.is_file() for line in faults(file)]
    print("\n".join(found) if found else f"{len(files)} files: no word that we gave up")
    return 1 if found else 0


def faults(file: Path) -> Iterator[str]:
    """What is wrong in one file, a line each."""
    for match in PATTERN.finditer(str(file)):
        yield f"{file}: its name has {match[0]!r}; write: {instead(match[0])}"
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        for match in PATTERN.finditer(line):
            yield f"{file}:{number}: {match[0]!r}; write: {instead(match[0])}"
        if file.suffix == ".md" and len(line) > LONGEST and not line.startswith("|") and "://" not in line:
            yield f"{file}:{number}: {len(line)} characters; break it at {LONGEST}"


def instead(word: str) -> str:
    """What to write for a word that was found."""
    return next(better for pattern, better in GIVEN_UP.items() if re.fullmatch(pattern, word, re.IGNORECASE))


if __name__ == "__main__":
    sys.exit(main())
