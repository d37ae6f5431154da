"""A CouchDB that does what a test orders: documents, pages with opaque seqs, and faults."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lib.replay import Answer, Request

Fault = Callable[[Answer], Answer]


@dataclass
class FakeCouchDB:
    """Documents by id in the order of their last write; `fault` may change the answer to a request for a page, `listed`
    that to one for `_all_docs`. `archive` are the ids in the database medic-archive, if there is one.
    """

    writes: list[tuple[str, str, bool, str | None]] = field(default_factory=list)
    started: str = "1795463520"
    fault: Fault | None = None
    alone: dict[str, str] = field(default_factory=dict)
    listed: Callable[[Answer], Answer] | None = None
    archive: set[str] | None = None

    def put(self, name: str, body: str | None = '{"type":"person"}', rev: str = "1-a") -> None:
        self._write(name, rev, False, body)

    def delete(self, name: str, rev: str = "2-d") -> None:
        self._write(name, rev, True, f'{{"_id":{json.dumps(name)},"_rev":"{rev}","_deleted":true}}')

    def _write(self, name: str, rev: str, deleted: bool, body: str | None) -> None:
        self.writes = [write for write in self.writes if write[0] != name] + [(name, rev, deleted, body)]
        self.last = getattr(self, "last", 0) + 1
        self.seqs = {**getattr(self, "seqs", {}), name: self.last}

    def answer(self, request: Request) -> Answer:
        if request.path == "/medic":
            return Answer(200, json.dumps({"db_name": "medic", "instance_start_time": self.started}).encode())
        if request.path == "/medic/_changes":
            page = Answer(200, self._page(request.query))
            return self.fault(page) if self.fault else page
        if request.path.endswith("/_all_docs"):
            return self._all_docs(request)
        return self._one(request.path.removeprefix("/medic/"), request.query["rev"])

    def _one(self, name: str, rev: str) -> Answer:
        """A proxy before it has put its own ETag there."""
        if name in self.alone and (name, rev) in [write[:2] for write in self.writes]:
            return Answer(200, self.alone[name].encode() + b"\n", {"ETag": 'W/"9-proxy"'})
        return Answer(404, b'{"error":"not_found","reason":"missing"}')

    def _all_docs(self, request: Request) -> Answer:
        known = {write[0]: write for write in self.writes}
        if request.path.startswith("/medic-archive"):
            if self.archive is None:
                return Answer(404, b'{"error":"not_found","reason":"no_db_file"}')
            known = {name: (name, "1-a", False, "{}") for name in self.archive}
        if request.body:
            names = json.loads(request.body)["keys"]
        else:
            start, end = (json.loads(request.query.get(key, "null")) for key in ("startkey", "endkey"))
            live = sorted((name for name, write in known.items() if not write[2]), key=str.encode)
            names = [
                name
                for name in live
                if name.encode() >= (start or "").encode() and (end is None or name.encode() <= end.encode())
            ][: int(request.query["limit"])]
        rows = [self._listed(name, known.get(name), "include_docs" in request.query) for name in names]
        answer = Answer(200, b'{"total_rows":9,"offset":0,"rows":[\r\n' + b",\r\n".join(rows) + b"\r\n]}\n")
        return self.listed(answer) if self.listed else answer

    @staticmethod
    def _listed(name: str, write: tuple[str, str, bool, str | None] | None, with_document: bool) -> bytes:
        key = json.dumps(name, ensure_ascii=False)
        if write is None:
            return f'{{"key":{key},"error":"not_found"}}'.encode()
        _, rev, deleted, body = write
        document = f',"doc":{"null" if deleted else body}' if with_document and body is not None else ""
        said = ',"deleted":true' if deleted else ""
        return f'{{"id":{key},"key":{key},"value":{{"rev":"{rev}"{said}}}{document}}}'.encode()

    def _page(self, query: dict[str, str]) -> bytes:
        since, limit, interval = int(query["since"].partition("-")[0]), int(query["limit"]), int(query["seq_interval"])
        later = [write for write in self.writes if self.seqs[write[0]] > since]
        rows = [
            self._row(write, self.seqs[write[0]] if number % interval == 0 else None, "include_docs" in query)
            for number, write in enumerate(later[:limit])
        ]
        last = self.seqs[later[:limit][-1][0]] if rows else since
        tail = f'"last_seq":"{last}-g1AAAA","pending":{len(later) - len(rows)}}}\n\n'
        return b'{"results":[\n' + b",\r\n".join(rows) + b"\n],\n" + tail.encode()

    def _row(self, write: tuple[str, str, bool, str | None], seq: int | None, with_document: bool) -> bytes:
        name, rev, deleted, body = write
        said = "null" if seq is None else f'"{seq}-g1AAAA"'
        gone = ',"deleted":true' if deleted else ""
        document = "" if body is None or not with_document else f',"doc":{body}'
        return f'{{"seq":{said},"id":{json.dumps(name)},"changes":[{{"rev":"{rev}"}}]{gone}{document}}}'.encode()
