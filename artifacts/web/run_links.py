"""Where Prefect and MLflow show a run."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import RunRecord
from .site import Site


@dataclass(frozen=True, slots=True)
class Link:
    """A page of another server."""

    title: str
    url: str


def links_of(site: Site, run: RunRecord) -> list[Link]:
    """Return where Prefect and MLflow show the run, as far as its tags name it and a server is known."""
    links = []
    flow_run = run.tags.get("prefect.flow_run")
    if flow_run and _is_web(site.prefect_url):
        links.append(Link("Prefect", f"{(site.prefect_url or '').removesuffix('/api')}/runs/flow-run/{flow_run}"))
    mlflow_run, place = run.tags.get("mlflow.run"), run.tags.get("mlflow.uri")
    server = place if _is_web(place) else site.mlflow_uri
    if mlflow_run and _is_web(server):
        links.append(Link("MLflow", f"{(server or '').rstrip('/')}/#/runs/{mlflow_run}"))
    return links


def _is_web(url: str | None) -> bool:
    """Say whether a browser may be sent there: a tag could hold anything.

    >>> _is_web("http://127.0.0.1:5000"), _is_web("javascript:alert(1)"), _is_web(None)
    (True, False, False)
    """
    return bool(url) and str(url).startswith(("http://", "https://"))
