"""The server of the published models of regions; it needs nothing but Python: python3 -m meson.serve_regions."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .lists import recommended

MOST = 1000
"""The longest list that is answered."""


class Refused(ValueError):
    """A question that has no answer; its text says why."""


def answer(models: dict[str, Any], question: dict[str, list[str]]) -> dict[str, Any]:
    """Return a list for who has met some items in a region.

    question: region, items (joined by commas), k.
    Raises Refused for a region that has no model, and for a k that is no number from 1 to 1000.
    """
    region = question.get("region", [""])[0]
    if region not in models:
        raise Refused(f"there is no region {region!r}; choose one of: {', '.join(sorted(models))}")
    k = question.get("k", ["10"])[0]
    if not k.isdecimal() or not 1 <= int(k) <= MOST:
        raise Refused(f"k={k!r} is no number from 1 to {MOST}")
    items = [item for item in ",".join(question.get("items", [])).split(",") if item]
    model = models[region]
    found = recommended(items, model["neighbours"], model["popular"], int(k))
    return {"model": model["model"], "items": [{"item": item, "score": score} for item, score in found]}


def serve(models: dict[str, Any], version: str, port: int) -> None:
    """Answer GET /recommend?region=…&items=…&k=… and GET /healthz, until the process ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/healthz":
                self._say(200, {"version": version})
            elif asked.path == "/recommend":
                try:
                    self._say(200, {"version": version, **answer(models, parse_qs(asked.query))})
                except Refused as error:
                    self._say(422, {"error": str(error)})
            else:
                self._say(404, {"error": "ask /recommend or /healthz"})

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
    serve(
        json.loads(Path(os.environ["KAON_MODELS"]).read_bytes()),
        os.environ["KAON_VERSION"],
        int(os.environ.get("KAON_PORT", "8000")),
    )
