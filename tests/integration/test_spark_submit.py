"""Spark applications as steps, on a standalone cluster of this machine: a master, a worker, and its executors."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.integration.spark_app_steps import counting, hidden, squaring, timed
from tests.integration.spark_cluster import HOME, standalone_cluster

from kaon import WorkflowError, open_store, run, secret, spark_submit

pytestmark = pytest.mark.spark

STEPS = Path(__file__).with_name("spark_app_steps.py")
SCALA = Path(__file__).with_name("spark_apps") / "Squares.scala"


@dataclass(frozen=True)
class Cluster:
    """A standalone cluster, and where it writes."""

    master: str
    folder: Path

    def running(self) -> int:
        """Return how many applications have registered and not been removed."""
        log = (self.folder / "master.log").read_text()
        return len(re.findall(r"Registered app ", log)) - len(re.findall(r"Removing app ", log))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with standalone_cluster(folder, workers=1) as master:
        yield Cluster(master, folder)


def said(store, kind):
    """Return what the steps of the last run said of a kind, in order."""
    messages = store.records.messages(store.records.runs()[0].id, limit=5000)
    return [message.text for message in messages if message.kind == kind]


def left_of(store_or_home):
    """Return the processes that still work on jobs below a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(store_or_home) in word for word in process.info["cmdline"] or ()):
            found.append(process.pid)
    return found


def awaited(condition, seconds):
    """Return whether a condition holds within so many seconds."""
    until = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < until:
        time.sleep(0.2)
    return holds


def test_a_python_application_runs_on_a_cluster_and_tells_all_that_driver_and_executors_say(cluster):
    store = open_store("memory://")
    done = run(counting(master=cluster.master), {"count_events.how": "slowly"}, store=store)
    log, progress = said(store, "log"), said(store, "progress")

    assert done["counts"].to_dict("list") == {"user": ["a", "b", "c"], "count": [50, 25, 25]}
    assert "said by the driver, try 1" in log
    assert "[executor 0 stderr] said by an executor" in log
    assert any(re.match(r"job \d+ of \d+, stage \d+ \(.* at .*\): \d of 4 tasks", note) for note in progress)
    assert cluster.running() == 0


def test_a_jvm_application_is_given_by_its_jar(cluster, tmp_path):
    jar = tmp_path / "squares.jar"
    compiler = ["java", "-cp", f"{HOME}/jars/*", "scala.tools.nsc.Main", "-usejavacp", "-d", str(jar), str(SCALA)]
    subprocess.run(compiler, check=True, capture_output=True)  # Spark comes with Scala's compiler
    store = open_store("memory://")

    done = run(squaring(jar, master=cluster.master), {"squares.n": 4}, store=store)

    assert done["sum"] == {"sum": 30}
    assert "Scala says 30" in said(store, "log")
    jar.write_bytes(jar.read_bytes() + b"\0")  # another jar is another step
    assert run(squaring(jar, master="local[1]"), {"squares.n": 4}, store=store).state == "completed"
    assert "Scala says 30" in said(store, "log")


def test_a_job_that_fails_is_tried_again_and_its_cause_is_told():
    store = open_store("memory://")
    done = run(counting(master="local[1]", retries=1), {"count_events.how": "fail once"}, store=store)

    assert done.state == "completed"
    assert "said by the driver, try 2" in said(store, "log")
    told = "\n".join(said(store, "log"))
    assert "SparkFailed: the Spark application failed" in told
    assert "why: RuntimeError: a job that fails the first time" in told


def test_an_application_gone_astray_is_killed_when_its_time_is_up(cluster, kaon_home, monkeypatch):
    monkeypatch.setenv("KAON_SPARK_MASTER", cluster.master)
    store = open_store("memory://")
    began = time.monotonic()
    ended = run(timed, {"count_events.how": "wait"}, store=store, raises=False)

    assert ended.failures[0].cause == "StepTimedOut: it took longer than its timeout of 40 s"
    assert time.monotonic() - began < 300
    assert awaited(lambda: cluster.running() == 0, 60)
    assert awaited(lambda: not left_of(kaon_home), 60)


def test_nothing_is_left_on_the_cluster_of_a_run_that_is_killed(cluster, tmp_path):
    home = tmp_path / "home"
    environment = {**os.environ, "KAON_HOME": str(home), "KAON_SPARK_MASTER": cluster.master}
    words = ["run", f"{STEPS}:waiting", "count_events.how=wait", "--backend", "local", "--no-mlflow"]
    process = subprocess.Popen([sys.executable, "-m", "kaon.cli", *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        assert awaited(lambda: cluster.running() == 1, 90)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert awaited(lambda: cluster.running() == 0, 60)
    assert awaited(lambda: not left_of(home), 60)


def test_a_run_that_is_cancelled_takes_its_application_off_the_cluster(cluster, tmp_path):
    home = tmp_path / "home"
    environment = {**os.environ, "KAON_HOME": str(home), "KAON_SPARK_MASTER": cluster.master, "KAON_GRACE": "1"}
    words = ["run", f"{STEPS}:waiting", "count_events.how=wait", "--backend", "local", "--no-mlflow"]
    process = subprocess.Popen([sys.executable, "-m", "kaon.cli", *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        assert awaited(lambda: cluster.running() == 1, 90)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    finally:
        process.kill()

    assert awaited(lambda: cluster.running() == 0, 60)
    assert left_of(home) == []


def test_a_secret_of_the_configuration_stands_on_no_command_line_and_in_no_log(monkeypatch):
    monkeypatch.setenv("KAON_TEST_TOKEN", "a tokén \\ of value")
    store = open_store("memory://")
    run(hidden, {"count_events.how": "tell secret"}, store=store)
    log = "\n".join(said(store, "log"))

    assert "the token is ***" in log
    assert "the command line is" in log
    assert "--properties-file" in log
    assert "tokén" not in log


def test_a_missing_installation_is_named_with_the_mend(tmp_path, monkeypatch):
    (failed,) = run(counting(spark_home=tmp_path), store=open_store("memory://"), raises=False).failures
    assert f"SparkNotFound: there is no Spark in '{tmp_path}'" in failed.cause
    assert "fix: give the folder of an installation as spark_home=…" in failed.cause

    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    (failed,) = run(counting(), store=open_store("memory://"), raises=False).failures
    assert "SparkNotFound: there is no Java, and Spark runs on it" in failed.cause
    assert "fix: install Java 17 or newer: apt-get install openjdk-17-jre-headless" in failed.cause


def test_a_chosen_installation_submits():
    store = open_store("memory://")

    assert run(counting(spark_home=HOME, master="local[1]"), store=store).state == "completed"
    assert re.search(rf"Spark \d\S+ in {re.escape(str(HOME))}, on local\[1\]", "\n".join(said(store, "log")))


def test_a_script_that_is_not_there_is_refused_when_the_step_is_written():
    with pytest.raises(WorkflowError, match=r"there is no script 'absent.py'"):
        spark_submit("absent.py")


def test_a_driver_on_the_cluster_is_refused_when_the_step_is_written():
    with pytest.raises(WorkflowError, match=r"'spark.submit.deployMode': 'cluster'.*leave it out"):
        counting(conf={"spark.submit.deployMode": "cluster"})


def test_another_master_is_the_same_step_and_another_configuration_is_not():
    keys = {
        name: next(call.code for call in flow.plan.calls() if call.step == "count_events")
        for name, flow in {
            "here": counting(),
            "there": counting(master="spark://far:7077"),
            "other": counting(conf={"spark.x": "1"}),
            "secret": counting(conf={"spark.x": secret("X")}),
        }.items()
    }

    assert keys["here"] == keys["there"]
    assert len({keys["here"], keys["other"], keys["secret"]}) == 3
