"""The server of the published models of regions; it needs nothing but Python: python3 -m meson.serve_regions."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .lists import recommended

MOST = 1000
"""The longest list that is answered."""
LARGEST = 1_000_000
"""Bytes of a question that are read."""


class Refused(ValueError):
    """A question that has no answer; its text says why."""


def answer(models: dict[str, Any], question: object) -> dict[str, Any]:
    """Return a list for who has met some items in a region.

    question: a mapping with region, items (a list of ids, none unless given) and k (10 unless given).
    Raises Refused for a region that has no model, for items that are no list of ids, and for a k that is no number from
    1 to 1000.
    """
    if not isinstance(question, dict):
        raise Refused("ask with a JSON object: region, items, k")
    region, items, k = question.get("region"), question.get("items", []), question.get("k", 10)
    if not isinstance(region, str) or region not in models:
        raise Refused(f"there is no region {region!r}; choose one of: {', '.join(sorted(models))}")
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Refused(f"items={items!r} is no list of ids")
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MOST:
        raise Refused(f"k={k!r} is no number from 1 to {MOST}")
    model = models[region]
    found = recommended(items, model["neighbours"], model["popular"], k)
    return {"model": model["model"], "items": [{"item": item, "score": score} for item, score in found]}


def serve(models: dict[str, Any], version: str, port: int) -> None:
    """Answer POST /recommend and GET /readyz, in JSON, until the process ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/readyz":
                self._say(200, {"version": version})
            else:
                self._say(404, {"error": "ask GET /readyz or POST /recommend"})

        def do_POST(self) -> None:
            if self.path != "/recommend":
                self._say(404, {"error": "ask GET /readyz or POST /recommend"})
                return
            try:
                asked = json.loads(self.rfile.read(min(int(self.headers["Content-Length"] or 0), LARGEST)))
                self._say(200, {"version": version, **answer(models, asked)})
            except ValueError as error:  # no JSON, or Refused
                self._say(422, {"error": str(error)})

        def _say(self, status: int, said: dict[str, Any]) -> None:
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of requests that are answered."""

    ThreadingHTTPServer(("", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(json.loads(Path("models.json").read_bytes()), Path("version").read_text(), int(os.environ["KAON_PORT"]))
