"""Steps that are commands of this machine: nothing that they start outlives them, and R is a language like others."""

import os
import signal
import subprocess
import sys

import pandas as pd
import psutil
import pytest
from tests.integration.placed_steps import WORKFLOWS
from tests.integration.test_containers import SCRIPT, awaited

from kaon import open_store, run, shell_step, workflow
from kaon.artifacts import File


def sleepers() -> list[int]:
    """Return the processes that the long command starts."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "4321"]]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_no_process_of_its_commands(kaon_home, how):
    env = {**os.environ, "KAON_GRACE": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, str(SCRIPT), "command", str(kaon_home / "store")], env=env)
    try:
        assert awaited(lambda: len(sleepers()) == 2)
        process.send_signal(how)
        process.wait(30)

        assert awaited(lambda: not sleepers())
        assert awaited(lambda: not list((kaon_home / "cache" / "jobs").glob("*")))
    finally:
        process.kill()


FIT = """
arguments <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(arguments[1])
messages <- Sys.getenv("KAON_MESSAGES")
cat('{"progress": 0.5, "text": "fitting"}\\n', file = messages, append = TRUE)
model <- lm(y ~ x, rows)
saveRDS(model, arguments[2])
slope <- unname(coef(model)["x"])
writeLines(sprintf('{"slope": %.6f, "rows": %d}', slope, nrow(rows)), arguments[3])
"""

FLOW = """
from collections.abc import Mapping

import pandas as pd

from kaon import for_each, shell_step, step, workflow
from kaon.artifacts import File, Metrics


@step(output="regions")
def select() -> list[str]:
    return ["north", "south"]


@step(output="rows")
def rows_of(region: str) -> pd.DataFrame:
    return pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0] if region == "north" else [3.0, 6.0, 9.5]})


fit = shell_step(
    "Rscript fit.R {rows} {model} {fitted}",
    inputs={"rows": pd.DataFrame},
    outputs={"model": File, "fitted": Metrics},
    formats={"rows": "csv", "model": "rds"},
)
list_models = shell_step(
    "ls {model} > {names}",
    shell=True,
    inputs={"model": Mapping[str, File]},
    outputs={"names": File},
    name="list_models",
)
regional = workflow("regional", select >> for_each(region="regions").do(rows_of >> fit) >> list_models)
"""


@pytest.mark.rscript
def test_r_fits_a_model_for_each_region_and_runs_again_only_when_its_script_changes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "fit.R").write_text(FIT)
    (tmp_path / "regional_flow.py").write_text(FLOW)
    import regional_flow

    first = run(regional_flow.regional)
    again = run(regional_flow.regional)

    assert {region: found["slope"] for region, found in first["fitted"].items()} == {"north": 2.0, "south": 3.25}
    assert first["names"].path.read_text().split() == ["index.json", "north.rds", "south.rds"]
    assert again.artifact("names").id == first.artifact("names").id
    del sys.modules["regional_flow"]
    (tmp_path / "fit.R").write_text(FIT.replace("y ~ x", "y ~ x + 0"))
    import regional_flow

    changed = run(regional_flow.regional)

    assert changed["fitted"]["north"]["slope"] == 2.0
    assert changed.artifact("names").id != first.artifact("names").id


def test_a_command_step_called_directly_just_runs():
    count = shell_step(
        "wc -l < {table} > {lines}; printf '%s' {word} > {said}",
        shell=True,
        inputs={"table": pd.DataFrame},
        outputs={"lines": int, "said": File},
        settings={"word": "hello"},
        formats={"table": "csv"},
        name="count",
    )
    counted = count(table=pd.DataFrame({"x": [1, 2, 3]}), word="it's")

    assert counted.lines == 4
    assert counted.said.path.read_text() == "it's"


def test_lines_of_a_command_are_told_while_it_runs(kaon_home):
    from kaon.dsl.backends import Engine

    store = open_store(str(kaon_home / "store"))
    gate = kaon_home / "gate"
    waits = shell_step(
        f'echo begun; while [ ! -e {gate} ]; do sleep 0.05; done; echo {{o}} > "{{o}}"',
        shell=True,
        outputs={"o": File},
        name="waits",
    )
    seen: list[str] = []

    def look() -> bool:
        seen[:] = [message.text for message in store.records.messages(1)]
        return bool(seen)

    import threading

    thread = threading.Thread(target=lambda: run(workflow("waiting", [waits]), store=store, engine=Engine()))
    thread.start()
    try:
        assert awaited(look)
    finally:
        gate.touch()
        thread.join()

    assert seen == ["begun"]


def test_the_plan_and_its_text_say_where_a_step_runs():
    from kaon.dsl.plan import Plan
    from kaon.dsl.show import as_text

    plan = WORKFLOWS["container"].plan

    assert "runs in docker (image=" in as_text(plan)
    assert "command: trap '' TERM" in as_text(plan)
    assert Plan.from_json(plan.to_json()) == plan
