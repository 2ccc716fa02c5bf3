"""MLflow as the registry of published bundles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..home import kaon_home
from .client import experiment, mlflow_at, quiet_client
from .place import tracking_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

MANIFEST = "manifest.json"


class Registry:
    """Published bundles by name and version, with aliases such as `challenger` and `champion`."""

    def __init__(self, uri: str | None = None, home: Path | None = None) -> None:
        self.home = home or kaon_home()
        self.uri = uri or tracking_uri(self.home)

    @property
    def is_there(self) -> bool:
        """Whether anything can be registered: a SQLite file that nobody made yet holds nothing."""
        return not self.uri.startswith("sqlite:///") or Path(self.uri.removeprefix("sqlite:///")).is_file()

    def register_bundle(
        self, name: str, bundle: Path, run_id: str | None = None, tags: Mapping[str, str] | None = None
    ) -> int:
        """Register the bundle's folder as the next version of the model, and return that version: 1, 2, 3, …

        Its manifest is kept with the MLflow run (one of its own if `run_id` is None); the tag `kaon.bundle` names
        the folder. Raises TrackingError.
        """
        from mlflow.exceptions import MlflowException

        with mlflow_at(self.uri):
            made_by = run_id or self._own_run(name, bundle)
            if (bundle / MANIFEST).is_file():
                self._client.log_artifact(made_by, str(bundle / MANIFEST), "bundle")
            try:
                self._client.get_registered_model(name)
            except MlflowException:
                self._client.create_registered_model(name)
            version = self._client.create_model_version(
                name,
                source=f"runs:/{made_by}/bundle",
                run_id=made_by,
                tags={**(tags or {}), "kaon.bundle": str(bundle.absolute())},
            )
        return int(version.version)

    def set_alias(self, name: str, version: int | str, alias: str) -> None:
        """Let the alias name this version, and no other. Raises TrackingError."""
        with mlflow_at(self.uri):
            self._client.set_registered_model_alias(name, alias, str(version))

    def aliases(self, name: str) -> dict[str, int]:
        """Return alias to version; nothing for a model that is not registered. Raises TrackingError."""
        with mlflow_at(self.uri):
            found = self._client.search_registered_models(f"name = '{name}'")
        return {alias: int(version) for model in found for alias, version in model.aliases.items()}

    def bundle(self, name: str, version: int | str) -> Path:
        """Return the folder that was registered as this version. Raises TrackingError."""
        with mlflow_at(self.uri):
            return Path(self._client.get_model_version(name, str(version)).tags["kaon.bundle"])

    def version_of(self, name: str, bundle: Path) -> int | None:
        """Return the version that this folder was registered as last, None if it never was. Raises TrackingError."""
        with mlflow_at(self.uri):
            found = self._client.search_model_versions(f"name = '{name}'")
        wanted = str(bundle.absolute())
        return max((int(one.version) for one in found if one.tags.get("kaon.bundle") == wanted), default=None)

    def _own_run(self, name: str, bundle: Path) -> str:
        artifacts = self.home / "mlflow" / "artifacts"
        run = self._client.create_run(experiment(self._client, self.uri, name, artifacts), run_name=bundle.name)
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    @cached_property
    def _client(self) -> MlflowClient:
        return quiet_client(self.uri)
