"""A platform that only has a catalog: `python platform_stand_in.py`, with what `modelyard up` gives the real one.

It answers from HOME/catalog.json, so that a test changes the catalog by writing the file. POST …/build makes the
image ready. The file DIE in the home makes it exit, SILENT makes it answer 503.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOME = Path(os.environ["MODELYARD_HOME"])
API = os.environ["MODELYARD_PREFIX"] + "/api/v1/"


class Catalog(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.removeprefix(API)
        if path == "health":
            self._send(200, {"status": "ok", "version": "stand-in"})
        elif (HOME / "SILENT").exists():
            self._send(503, {"error": {"code": "unavailable", "message": "The platform is away.", "hint": "Wait."}})
        elif self.headers.get("Authorization") != f"Bearer {os.environ['MODELYARD_SERVICE_TOKEN']}":
            self._send(401, {"error": {"code": "unauthenticated", "message": "Who are you?", "hint": ""}})
        else:
            kind, _, name = path.partition("/")
            found = read_catalog()[kind]
            self._send(200, next(item for item in found if item["name"] == name) if name else found)

    def do_POST(self) -> None:
        name = self.path.split("/")[-2]
        catalog = read_catalog()
        image = next(item for item in catalog["images"] if item["name"] == name)
        image["digest"], image["state"] = image.pop("digest_when_built", ""), "ready"
        (HOME / "catalog.json").write_text(json.dumps(catalog))
        self._send(202, {**image, "digest": "", "state": "building"})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def read_catalog() -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads((HOME / "catalog.json").read_text())
    return found


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["MODELYARD_PORT"])), Catalog).serve_forever()
