"""The few requests of Prefect's REST API that starting, scheduling and pausing take, and its silence as an error."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..errors import PrefectError, PrefectStopped

PATIENCE = 30.0
"""Seconds to wait for an answer."""
BUSY = 503
"""What Prefect answers, having changed nothing, while another writes to its SQLite database."""
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before a request that met a busy server is made again."""


class PrefectApi:
    """A Prefect server, by the address of its API."""

    def __init__(self, url: str | None) -> None:
        """url: such as http://127.0.0.1:4200/api; None where no server is known."""
        self.url = url

    @property
    def ui(self) -> str:
        """Where a browser finds the server; empty where no server is known."""
        return (self.url or "").removesuffix("/api")

    def get(self, path: str) -> Any:
        """Return what is at a path; None if nothing is. Raises PrefectStopped, PrefectError."""
        return self._asked("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return what the server answers; None if nothing is at the path. Raises PrefectStopped, PrefectError."""
        return self._asked("POST", path, body or {})

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change what is at a path; returns None. Raises PrefectStopped, PrefectError."""
        return self._asked("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """Remove what is at a path; returns None. Raises PrefectStopped, PrefectError."""
        return self._asked("DELETE", path, None)

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        import httpx

        if self.url is None:
            raise PrefectStopped(
                "no Prefect server is known",
                why="runs are started and scheduled by one, and neither `kaon up` nor PREFECT_API_URL names it",
                fix="kaon up",
            )
        try:
            with httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False) as client:
                answer = client.request(method, path, json=body)
                for pause in PAUSES:
                    if answer.status_code != BUSY:
                        break
                    time.sleep(pause)
                    answer = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise PrefectStopped(
                "the Prefect server does not answer",
                where=self.url,
                why=str(error) or type(error).__name__,
                fix="kaon up starts it again; the records and artifacts of all runs can be read without it",
            ) from error
        if answer.status_code == 404:
            return None
        if answer.is_error:
            why = _detail(answer)
            raise PrefectError(f"Prefect refused {method} {path}", where=self.url, why=why, fix="mend what it names")
        return answer.json() if answer.content else None


def _detail(answer: Any) -> str:
    try:
        detail = answer.json().get("detail") or answer.json().get("exception_detail")
    except (ValueError, AttributeError):
        detail = answer.text[:500]
    return f"it says {answer.status_code}: {detail}"
