"""`kaon doctor`: what it finds, why that matters, and how it is mended."""

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kaon import stack
from kaon.artifacts import Begin, Begun, Ending, NewOutput, Store, open_store
from kaon.cli.health import Finding, machine, prefect_server, versions


@pytest.fixture
def store(project) -> Store:
    return open_store(project.home / "store")


@pytest.fixture
def large(store) -> NewOutput:
    """What the only run of the store made."""
    lease = store.records.start_run("demo", {}, "{}", "local").lease
    (begun,) = store.begin_steps(lease, [Begin("demo/fit", "fit")])
    assert isinstance(begun, Begun)
    output = store.dumped("x" * 5000, "large", str)
    store.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output,))])
    store.records.end_run(lease, "completed")
    return output


@pytest.fixture
def examined(project, call):
    """Return the findings about one part, by what was looked at, and the exit code."""

    def examined(part: str) -> tuple[dict[str, Finding], int]:
        said = call("doctor", "--json", project=project)
        findings = [Finding(**finding) for finding in json.loads(said.out)["findings"]]
        return {finding.check: finding for finding in findings if finding.part == part}, said.code

    return examined


def test_everything_is_listed_by_part_with_a_sign(project, large, call, monkeypatch):
    monkeypatch.setattr(machine, "java", lambda: machine.ok("machine", "Java", "17.0.1"))
    said = call("doctor", project=project)

    assert said.code == 0, said.out
    assert [line for line in said.out.splitlines() if not line.startswith(" ")][:3] == [
        "machine",
        "Prefect server",
        "store",
    ]
    assert "  ✓ Java        17.0.1\n" in said.out
    assert "1 values (4.9 KiB) read, and all are whole" in said.out
    assert said.out.splitlines()[-1].endswith(" 0 in trouble")


def test_a_damaged_blob_is_trouble_and_the_exit_code_says_so(store, large, examined):
    path = store.blobs.path(large.digest)
    path.chmod(0o644)
    path.write_bytes(b"?")

    found, code = examined("store")

    assert code == 1
    assert (found["artifacts"].verdict, found["artifacts"].found) == ("trouble", "damaged: 1 (large)")
    assert "--force" in found["artifacts"].fix


def test_a_missing_blob_is_trouble(store, large, examined):
    store.blobs.path(large.digest).unlink()

    found, code = examined("store")

    assert (code, found["artifacts"].found) == (1, "missing: 1 (large)")
    assert "is not skipped" in found["artifacts"].fix


def test_old_garbage_is_a_warning_and_young_garbage_none(store, large, examined):
    digest = store.blobs.put(io.BytesIO(b"orphan")).digest
    young = examined("store")[0]["garbage"]
    os.utime(store.blobs.path(digest), (time.time() - 8 * 86400,) * 2)
    old = examined("store")[0]["garbage"]

    assert (young.verdict, young.found) == ("ok", "none; young blobs that no artifact names yet: 1")
    assert (old.verdict, old.found) == ("warning", "6 B, unused for 7 days (blobs: 1)")
    assert "kaon gc" in old.fix


def test_a_run_that_died_is_named_with_what_can_be_done(store, examined):
    code = (
        "import sys; from kaon.artifacts import open_store;"
        "open_store(sys.argv[1]).records.start_run('demo', {}, '{}', 'local')"
    )
    subprocess.run([sys.executable, "-c", code, store.url], check=True)

    runs = examined("store")[0]["runs"]

    assert (runs.verdict, runs.found) == ("warning", "died without an end: 1 (demo)")
    assert "`kaon retry 1` continues one, `kaon cancel 1` ends it for good" in runs.fix


def test_records_that_cannot_be_read_are_trouble(project, examined):
    (project.home / "store").mkdir(parents=True)
    (project.home / "store" / "records.sqlite").write_bytes(b"no database" * 1000)

    found, code = examined("store")

    assert (code, found["records"].verdict, found["records"].found) == (1, "trouble", "the records are damaged")
    assert "backup" in found["records"].fix


def test_no_server_is_well_and_one_that_does_not_answer_is_trouble(examined, monkeypatch):
    assert examined("Prefect server")[0]["address"].verdict == "ok"

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    found, code = examined("Prefect server")

    assert (code, found["address"].verdict) == (1, "trouble")
    assert "unset PREFECT_API_URL" in found["address"].fix


@pytest.mark.prefect
def test_the_automation_for_dead_runs_is_made_once_on_a_server_that_is_up(project, examined):
    from kaon.dsl.backends.prefect.server import prefect_server as running_server

    with running_server(project.home):
        first, _ = examined("Prefect server")
        second, _ = examined("Prefect server")

    assert {finding.verdict for finding in first.values()} == {"ok"}, first
    assert set(first) == {"address", "version", "recorder", "automations", "dead runs"}
    assert "made the automation 'Kaon: dead runs'" in first["automations"].found
    assert second["automations"].found == "'Kaon: dead runs' is there"


def test_a_server_of_another_version_is_told(monkeypatch):
    assert prefect_server.version_fits("3.8.8", "3.8.8").verdict == "ok"
    assert prefect_server.version_fits("3.8.7", "3.8.8").verdict == "warning"
    assert prefect_server.version_fits("3.7.0", "3.8.8").verdict == "trouble"


def test_settings_that_lose_task_runs_are_told_with_the_mend():
    def services(recorder: dict[str, object], triggers: bool = True) -> list[Finding]:
        found = {"task_run_recorder": recorder, "triggers": {"enabled": triggers}}
        return list(prefect_server.settings_fit({"server": {"services": found}}))

    (well,) = services({"enabled": True, "batch_size": 100})
    (slow,) = services({"enabled": True, "batch_size": 1})
    off, dead = services({"enabled": False, "batch_size": 100}, triggers=False)

    assert [finding.verdict for finding in (well, slow, off, dead)] == ["ok", "warning", "trouble", "trouble"]
    assert "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE=100" in slow.fix


def test_an_automation_that_waits_for_heartbeats_is_recognised():
    waits = {"posture": "Proactive", "expect": ["prefect.flow-run.heartbeat"]}

    assert prefect_server.awaits_heartbeats(waits)
    assert prefect_server.awaits_heartbeats({"triggers": [waits]})
    assert not prefect_server.awaits_heartbeats({"posture": "Reactive", "expect": ["prefect.flow-run.heartbeat"]})


def test_java_is_trouble_where_it_is_missing_or_old(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert (machine.java().verdict, "apt-get install openjdk-17" in machine.java().fix) == ("trouble", True)

    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    for version, verdict in (("11.0.2", "trouble"), ("17.0.15", "ok"), ("21", "ok")):
        java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
        java.chmod(0o755)

        assert machine.java().verdict == verdict
        assert version in machine.java().found


def test_a_missing_docker_engine_is_a_warning(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    assert machine.docker().verdict == "warning"


def test_a_base_image_that_is_not_there_is_a_warning_with_how_to_get_one(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("KAON_BASE_IMAGE", "mine:1")

    found = machine.base_image()

    assert (found.verdict, found.found) == ("warning", "no Docker engine answers")
    assert "docker pull mine:1" in found.fix


@pytest.mark.docker
def test_the_base_image_that_publications_are_built_upon_is_named(monkeypatch):
    wanted = os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim")
    monkeypatch.setenv("KAON_BASE_IMAGE", wanted)
    assert machine.base_image().found.startswith(f"{wanted}, ")

    monkeypatch.setenv("KAON_BASE_IMAGE", "127.0.0.1:9/none:1")
    assert machine.base_image().found == "Docker does not have 127.0.0.1:9/none:1"


def test_a_port_that_another_program_uses_is_a_warning(tmp_path, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(stack, "PREFECT_PORT", port)
        prefect, _, _ = machine.ports(tmp_path)
        (tmp_path / "stack.json").write_text(json.dumps({"prefect": {"url": f"http://127.0.0.1:{port}/api", "pid": 1}}))
        ours, _, _ = machine.ports(tmp_path)

    assert (prefect.check, prefect.verdict) == (f"port {port}", "warning")
    assert ours.verdict == "ok"


@pytest.mark.parametrize(("free", "verdict"), [(0.4, "trouble"), (3, "warning"), (5, "ok")])
def test_little_space_is_told_before_the_disk_is_full(free, verdict, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage(0, 0, int(free * machine.GIB)))

    found = machine.space("home", tmp_path / "not there yet", "kaon gc")

    assert (found.verdict, found.found) == (
        verdict,
        f"{tmp_path / 'not there yet'}: {machine.size(int(free * machine.GIB))} free",
    )


def test_a_home_below_a_file_is_trouble(tmp_path):
    (tmp_path / "file").write_text("")

    assert machine.space("home", tmp_path / "file" / "home", "set KAON_HOME").verdict == "trouble"


def test_little_memory_is_a_warning(monkeypatch):
    import psutil

    state = namedtuple("state", "total available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: state(4 * machine.GIB, machine.GIB // 2))

    assert machine.memory().verdict == "warning"


def test_packages_that_are_missing_or_of_other_versions_are_named():
    declared = [Requirement("pytest<2"), Requirement("not-there-at-all>=1"), Requirement("rich>=1")]

    found = versions.packages(declared, {})

    assert found.verdict == "trouble"
    assert "not-there-at-all is missing (needed: >=1)" in found.found and "rich" not in found.found
    assert found.fix == "pip install 'pytest<2' 'not-there-at-all>=1'"


def test_packages_that_differ_from_the_pins_are_a_warning():
    found = versions.packages([Requirement("rich>=1")], {"rich": "1.0"})

    assert (found.verdict, found.found.endswith("(tried: 1.0)")) == ("warning", True)


def test_the_pins_of_the_checkout_are_found():
    assert versions.pins(Path(__file__).parents[2] / "constraints.txt")["prefect"]
    assert versions.pins(Path("/nowhere")) == {}
