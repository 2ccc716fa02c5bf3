"""A quiet MLflow client, and its failures as ours."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TrackingError
from ..trouble import writing

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


@contextmanager
def mlflow_at(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into TrackingError."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, requests.RequestException, OSError) as error:
        raise TrackingError(
            "MLflow did not take what Kaon told it",
            where=uri,
            why=str(error).strip().partition("\n")[0],
            fix="check that it runs there, or unset MLFLOW_TRACKING_URI to use a local file",
        ) from error


def quiet_client(uri: str) -> MlflowClient:
    """Return a client of the MLflow at the URI that neither chats nor phones home. Raises TrackingError."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if uri.startswith("sqlite:///"):
        folder = Path(uri.removeprefix("sqlite:///")).parent
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    from mlflow.tracking import MlflowClient

    with mlflow_at(uri):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment(client: MlflowClient, uri: str, name: str, artifacts: Path) -> str:
    """Return the id of the experiment of that name, made if need be.

    artifacts: where it keeps files if no server decides that.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        location = None if uri.startswith("http") else (artifacts / spelled(name)).absolute().as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


def spelled(name: str) -> str:
    """Return the name in the letters that MLflow allows.

    >>> spelled("ndcg@10"), spelled("a,b")
    ('ndcg_at_10', 'a_b')
    """
    return re.sub(r"[^\w\-. :/]", "_", name.replace("@", "_at_"))
