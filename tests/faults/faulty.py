"""Makes an answer faulty, by the kinds of tests.faults.script. Pure, no I/O."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.faults import pages
from tests.faults.pages import DOCUMENT, Page, Row
from tests.faults.wire import ENDINGS, Answer

HTML = b"<!doctype html>\n<html><title>Log in</title>\n<body>Please log in\n</body></html>\n"
BUSY = b'{"error":"service_unavailable","reason":"not now"}\n'
MISSING = b'{"error":"not_found","reason":"missing"}\n'

#: A number of seconds or a date, as in HTTP; a text that is neither; and longer than a run waits.
RETRY_AFTER = ("", "", "0", "1", "7", "Tue, 24 Nov 2026 06:00:00 GMT", "soon", "86400")

#: Faults that change the content of a page.
OF_PAGES = ("duplicate row", "older row before", "other order", "row without document", "error in the body")


def answer(kind: str, given: Answer, chance: random.Random) -> Answer:
    """A fault of any request."""
    if kind == "cut off":
        return given.broken(chance.choice([ending for ending in ENDINGS if ending != "stall"]), chance)
    if kind == "stalled":
        return given.broken("stall", chance) if chance.random() < 0.7 else Answer(silent=True, ending="stall")
    if kind == "document missing":
        return Answer(404, MISSING)
    if kind == "reset":
        return Answer(silent=True, ending=chance.choice(["reset", "close"]))
    if kind == "redirect":
        return Answer(302, HTML, {"Location": "/login", "Content-Type": "text/html"})
    if kind == "HTML as 200":
        return replace(given, body=HTML, headers={"Content-Type": "text/html"})
    if kind == "HTML as 502":
        return Answer(502, HTML, {"Content-Type": "text/html"})
    after = chance.choice(RETRY_AFTER)
    headers = {"Retry-After": after} if after else {}
    return Answer(chance.choice([500, 502, 503, 504]) if kind == "5xx" else int(kind), BUSY, headers)


def page(kind: str, given: Page, earlier: Mapping[str, Sequence[Row]], chance: random.Random) -> bytes | None:
    """The body of a page; None if this page cannot have the fault."""
    changed: bytes | None = None
    if kind == "duplicate row" and given.rows:
        changed = pages.repeat(given, chance).text
    elif kind == "older row before":
        changed = pages.precede(given, earlier, chance).text
    elif kind == "other order":
        changed = pages.reorder(given, chance).text
    elif kind == "row without document":
        changed = pages.strip(given, chance)[0].text
    elif kind == "error in the body":
        changed = pages.fail(given, chance)
    return None if changed == given.text else changed


def cut_inside(given: Page, ids: frozenset[str], chance: random.Random) -> int | None:
    """A place inside the document of one of these, if there is one."""
    for row in given.rows:
        if row.document and row.id in ids:
            start = given.text.index(row.text) + row.text.index(DOCUMENT) + len(DOCUMENT)
            return start + chance.randrange(len(row.document))
    return None
