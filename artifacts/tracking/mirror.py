"""One MLflow run for each run of a workflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..home import kaon_home
from ..json_form import json_form
from ..records import RunRecord, State
from .client import experiment, mlflow_at, quiet_client, spelled
from .place import tracking_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from ..store import Store

BATCH = 100
"""Settings or metrics that MLflow takes at once."""

LONGEST = 500
"""Characters of a setting that MLflow shows."""

STATUS: Mapping[State, str] = {
    "completed": "FINISHED",
    "skipped": "FINISHED",
    "failed": "FAILED",
    "cancelled": "KILLED",
}


class MlflowMirror:
    """Shows one run of a workflow in MLflow: settings, metrics, end, and tags that link both ways.

    MLflow is a view: whoever uses it catches TrackingError and goes on.
    """

    def __init__(self, uri: str | None = None, home: Path | None = None) -> None:
        self.home = home or kaon_home()
        self.uri = uri or tracking_uri(self.home)
        self.run_id = ""
        """MLflow's id of the run, once started."""

    def start(self, run: RunRecord, settings: Mapping[str, object], store: Store) -> str:
        """Begin an MLflow run for Kaon's, with links both ways, and return its id. Raises TrackingError."""
        with mlflow_at(self.uri):
            begun = self._client.create_run(
                experiment_id=experiment(self._client, self.uri, run.workflow, self.home / "mlflow" / "artifacts"),
                start_time=int(run.started.timestamp() * 1000),
                run_name=f"{run.workflow} {run.id}",
                tags={"kaon.run": str(run.id), "kaon.store": store.url, "kaon.workflow": run.workflow, **run.tags},
            )
            self.run_id = str(begun.info.run_id)
            self._params(settings)
        store.records.tag_run(run.id, {"mlflow.run": self.run_id, "mlflow.uri": self.uri})
        return self.run_id

    def metrics(self, metrics: Mapping[str, float], *, at: int = 0) -> None:
        """Show metrics. MLflow allows no `@` in names: `ndcg@10` is shown as `ndcg_at_10`. Raises TrackingError."""
        from mlflow.entities import Metric

        moment = int(time.time() * 1000)
        shown = [Metric(spelled(name), float(value), moment, at) for name, value in metrics.items()]
        with mlflow_at(self.uri):
            for start in range(0, len(shown), BATCH):
                self._client.log_batch(self.run_id, metrics=shown[start : start + BATCH])

    def end(self, state: State) -> None:
        """End the MLflow run. Raises TrackingError."""
        with mlflow_at(self.uri):
            self._client.set_terminated(self.run_id, STATUS[state])

    def _params(self, settings: Mapping[str, object]) -> None:
        from mlflow.entities import Param

        shown = [Param(spelled(name), str(json_form(value, name))[:LONGEST]) for name, value in settings.items()]
        for start in range(0, len(shown), BATCH):
            self._client.log_batch(self.run_id, params=shown[start : start + BATCH])

    @cached_property
    def _client(self) -> MlflowClient:
        return quiet_client(self.uri)
