"""What `make bench` measures runs at its smallest size, so that the benchmarks stay alive between two looks at them."""

import io
import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import pytest
from rich.console import Console
from tests.benchmarks import artifact_pages, scale, training, web
from tests.benchmarks.measured import (
    by_hand_seconds,
    chain_seconds,
    chained,
    flat_plan,
    mixed_plan,
    plan_seconds,
    train_markets,
    wait_markets,
    wide_plan,
)
from tests.benchmarks.peers import training_alone as peers
from tests.benchmarks.peers.training_steps import again, prepare
from tests.benchmarks.scale import grown
from tests.benchmarks.sweeps import CONTENDERS, Contender, row, swept
from tests.steps.small_market import small_world

from kaon.dsl.backends.prefect.run import serving


def test_a_loop_is_measured_from_the_step_before_it_to_its_join():
    assert train_markets(2, users=30, backend="local") > 0
    assert wait_markets(2, seconds=0.05, backend="local") >= 0.1


@pytest.mark.parametrize("build", [flat_plan, wide_plan, mixed_plan])
def test_a_plan_is_measured(build):
    assert plan_seconds(build, 200) > 0


@pytest.mark.prefect
def test_a_sequence_is_measured_on_every_backend_and_on_prefect_by_hand(tmp_path, kaon_home):
    local = chain_seconds(chained(3), folder=tmp_path / "local", backend="local")
    with serving():
        on_prefect = chain_seconds(chained(3), folder=tmp_path / "prefect", backend="prefect")
        by_hand = by_hand_seconds(3, folder=tmp_path / "by_hand")

    assert all(0 < chain.each < chain.whole for chain in (local, on_prefect, by_hand))


@pytest.mark.prefect
@pytest.mark.parametrize("contender", {one.script: one for one in CONTENDERS}.values(), ids=lambda one: one.script)
def test_a_sweep_is_measured_and_none_of_its_points_is_lost(contender: Contender):
    if find_spec(contender.package) is None:
        pytest.skip(f"{contender.package} is not installed: pip install -e '.[bench]'")
    found = swept(replace(contender, points=4))

    assert found.kept == (4 if contender.keeps else 0)
    assert found.rate > 0
    assert found.memory > 0
    assert row(found)[6] in ("0", "keeps none")


def test_als_is_measured_as_the_data_grows(tmp_path):
    found = grown("implicit", 2_000, 1, tmp_path)

    assert 0 < found.pairs <= found.events == 2_000
    assert found.seconds > 0
    assert found.memory > 0
    assert scale.row(found)[:2] == ("2,000", f"{found.pairs:,}")


def test_where_the_memory_of_one_machine_ends_follows_from_the_two_largest_sizes():
    def took(engine: str, pairs: int, seconds: float, memory: int) -> scale.Grown:
        return scale.Grown(engine, pairs, pairs, 10, 10, session=0.0, seconds=seconds, memory=memory)

    implicit = took("implicit", 10, 9.0, 9), took("implicit", 1_000, 1.0, 1_000), took("implicit", 3_000, 1.2, 201_000)
    spark = took("spark", 1_000, 4.0, 1_000), took("spark", 3_000, 8.0, 401_000)

    assert scale.rule([*implicit, *spark], 2**30) == (
        "implicit: 100 bytes and 100.0 µs for another pair, so that 1 GiB end near 11 million pairs\n"
        "spark: 200 bytes and 2000.0 µs for another pair"
    )


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the shipped workflow has run on a small world."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "events").mkdir()
    small_world().everything.to_parquet(folder / "events" / "events.parquet")
    with patch.dict(os.environ, KAON_HOME=str(folder / "home")):
        prepare(small_settings(folder), folder)
    return folder


def small_settings(folder: Path) -> dict[str, object]:
    """Return the settings of a run on the events of a folder."""
    own = {"select_users.dataset": "files", "select_users.folder": str(folder / "events")}
    return {**own, "select_users.minimum_users_per_market": 10, **training.SETTINGS}


@pytest.mark.spark
@pytest.mark.parametrize("name", training.STEPS)
def test_a_training_step_is_measured_beside_its_peer(name, trained_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KAON_HOME", str(trained_folder / "home"))
    monkeypatch.setenv("BENCHMARK_MARKS", str(tmp_path / "marks"))

    again("local", name, small_settings(trained_folder), trained_folder)
    ours = (tmp_path / "marks").read_text().split()[::4]
    (tmp_path / "marks").unlink()
    peers.main(name, trained_folder)

    assert ours == ["run", "began", "called", "returned", "ended", "over"]
    assert (tmp_path / "marks").read_text().split()[::4] == ["began", "called", "returned", "ended"]


def test_what_a_step_takes_more_than_its_peer_around_its_training_is_told_and_judged():
    alone, ours = training.Trained(2.1, 2.0, 2**20, 0.03), training.Trained(2.3, 2.0, 2**21, 0.05)

    told = ("2.10 (2.10–2.10)", "2.00", "100 ms", "30 ms", "", "", "", "1 MiB")
    assert training.row("train_als", "alone", [alone], [alone]) == ("implicit alone", *told)
    told = ("2.30 (2.30–2.30)", "2.00", "300 ms", "50 ms", "200 ms", "+10.0 %", "NO", "2 MiB")
    assert training.row("train_als", "local", [ours], [alone]) == ("train_als, local", *told)
    assert training.row("train_als", "local", [training.Trained(2.19, 2.0, 2**21)], [alone])[-2] == "yes"


@pytest.mark.parametrize("kind", web.KINDS)
def test_the_pages_of_a_run_are_measured_while_it_goes_on(kind: str):
    found = web.watched(kind, points=100, seconds=4.0)

    assert found.points == 100
    assert len(found.updates) > 3
    assert all(len(times) > 1 for times in found.pages.values()) and found.first.keys() == found.pages.keys()
    assert min(found.grown) > 0


def test_limits_that_do_not_hold_are_told():
    updates = [web.Took(0.01, 0.005)] * 99 + [web.Took(0.06, 0.02)]
    times = web.Watched(
        web.KINDS["loop"], {"the run": [0.1, 0.2]}, {"the run": web.Took(0.4, 0.1)}, updates, [100] * 90
    )
    text = io.StringIO()
    Console(file=text, width=150).print(web.table([times]))

    (kept, first, told, memory) = [line for line in text.getvalue().splitlines() if " ms " in line or "flat" in line]
    assert ["NOT MET" in line for line in (kept, first, told, memory)] == [False, True, True, False]
    assert "60.0 ms" in told and "20.0 ms" in told and times.is_flat
    times.memory[-10:] = [110] * 10
    assert not times.is_flat


def test_the_pages_of_artifacts_are_measured():
    found = artifact_pages.asked(rows=2000, runs=2, points=20)

    assert len(found.memory) == 2 and all(len(times) == artifact_pages.TIMES for times in found.later.values())
    assert artifact_pages.table(found).row_count == len(found.first) + 1
