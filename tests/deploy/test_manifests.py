"""The files for Kubernetes and compose fit the server that they start."""

from pathlib import Path

import pytest
import yaml

from kaon.deploy.serving.__main__ import SHUTDOWN_SECONDS
from kaon.deploy.serving.app import create_app
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.settings import settings_from
from kaon.deploy.serving.watching import Current

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def paths(workers):
    """What the server answers with GET."""
    app = create_app(Current(), ServerMetrics(), workers)
    return {path for path, ways in app.openapi()["paths"].items() if "get" in ways}


@pytest.fixture(scope="module")
def kubernetes():
    """The deployment and the service."""
    text = (DEPLOY / "kubernetes" / "serving.yaml").read_text()
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def container(kubernetes):
    (container,) = kubernetes["Deployment"]["spec"]["template"]["spec"]["containers"]
    return container


def environment(container):
    return {one["name"]: one["value"] for one in container["env"]}


def test_the_service_finds_the_pods_and_their_port(kubernetes, container):
    template = kubernetes["Deployment"]["spec"]["template"]
    selector = kubernetes["Service"]["spec"]["selector"]

    assert kubernetes["Deployment"]["spec"]["selector"]["matchLabels"] == selector
    assert selector.items() <= template["metadata"]["labels"].items()
    assert {port["targetPort"] for port in kubernetes["Service"]["spec"]["ports"]} == {"http"}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
        "http": settings_from(environment(container)).port
    }


def test_the_probes_ask_what_the_server_answers(kubernetes, container, paths):
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    scraped = kubernetes["Deployment"]["spec"]["template"]["metadata"]["annotations"]

    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert {probe["path"] for probe in probes.values()} | {scraped["prometheus.io/path"]} <= paths


def test_a_pod_is_given_the_time_to_drain_and_is_found_not_ready_meanwhile(kubernetes, container):
    settings = settings_from(environment(container))
    readiness = container["readinessProbe"]
    given = kubernetes["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]

    assert settings.drain + SHUTDOWN_SECONDS < given
    assert settings.drain >= readiness["periodSeconds"] * readiness["failureThreshold"]
    assert settings.host == "0.0.0.0"


def test_nothing_runs_as_root_or_writes_to_the_image(kubernetes, container):
    assert kubernetes["Deployment"]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_compose_starts_the_server_where_its_port_and_its_health_are_looked_for(paths):
    (service,) = yaml.safe_load((DEPLOY / "serving" / "compose.yaml").read_text())["services"].values()
    told = {name: value for name, value in service["environment"].items() if name != "KAON_BUNDLE"}
    settings = settings_from(told)

    (port,) = service["ports"]
    assert port.endswith(f":{settings.port}")
    assert f"127.0.0.1:{settings.port}/readyz" in service["healthcheck"]["test"][-1]
    assert "/readyz" in paths
    assert settings.drain + SHUTDOWN_SECONDS < int(service["stop_grace_period"].removesuffix("s"))
    assert service["read_only"] is True
