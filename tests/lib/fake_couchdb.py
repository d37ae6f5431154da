"""A CouchDB with just enough of a memory to be written to, and with troubles on demand."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Document = dict[str, Any]


class FakeCouchDB(ThreadingHTTPServer):
    """Keeps each document's text; `troubles` are answered first: an HTTP status, or 0 to hang up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.databases: dict[str, dict[str, Document]] = {}
        self.revs: dict[tuple[str, str], int] = {}
        self.requests: list[tuple[str, str, bytes]] = []
        self.troubles: list[int] = []
        self.changed_meanwhile: set[str] = set()
        self.registered = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def write(self, database: str, document: Document) -> Document:
        id_, rev = document["_id"], document.pop("_rev", None)
        live = self.databases[database].get(id_)
        current = self.revs.get((database, id_), 0)
        if document.get("type") == "forbidden":
            return {"id": id_, "error": "forbidden", "reason": "secret words"}
        if live is None and document.get("_deleted"):
            return {"id": id_, "error": True, "name": "not_found"}
        if live is not None and rev != f"{current}-x":
            return {"id": id_, "error": "conflict", "reason": "Document update conflict."}
        self.revs[database, id_] = current + 1
        if document.get("_deleted"):
            del self.databases[database][id_]
        else:
            self.databases[database][id_] = document
            self.registered.set()
        return {"ok": True, "id": id_, "rev": f"{current + 1}-x"}

    def revisions(self, database: str, ids: list[str]) -> list[Document]:
        known = {id_: rev for id_ in ids if (rev := self.revs.get((database, id_)))}
        for id_ in self.changed_meanwhile & known.keys():
            self.revs[database, id_] += 1
        return [{"id": i, "value": {"rev": f"{known[i]}-x"}} if i in known else {"error": "not_found"} for i in ids]


class Handler(BaseHTTPRequestHandler):
    server: FakeCouchDB
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for an acknowledgement

    def do_PUT(self) -> None:
        self.take()
        new = self.path[1:] not in self.server.databases
        self.server.databases.setdefault(self.path[1:], {})
        self.answer(201 if new else 412, {})

    def do_GET(self) -> None:
        self.take()
        if not self.troubled():
            database = self.server.databases[self.path.split("/")[1]]
            self.answer(200, {"rows": [{"doc": {**doc, "_rev": "1-x"}} for doc in database.values()]})

    def do_POST(self) -> None:
        body = self.take()
        if self.troubled():
            return
        _, database, what = self.path.split("/")
        if database not in self.server.databases:
            self.answer(404, {"error": "not_found"})
        elif what == "_all_docs":
            self.answer(200, {"rows": self.server.revisions(database, json.loads(body)["keys"])})
        elif b"spoils the request" in body:
            self.answer(400, {"error": "bad_request", "reason": "secret words"})
        else:
            self.answer(201, [self.server.write(database, document) for document in json.loads(body)["docs"]])

    def troubled(self) -> bool:
        if not self.server.troubles:
            return False
        status = self.server.troubles.pop(0)
        if status == 0:
            self.close_connection = True
        else:
            self.answer(status, "<html>secret words</html>")
        return True

    def take(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, body))
        return body

    def answer(self, status: int, found: object) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""
