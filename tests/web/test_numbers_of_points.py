"""A point of a sweep has one number: on the sweep's page, in its leaderboard, and for the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.web.conftest import served

import kaon
from kaon.artifacts import Metrics, Store, open_store
from kaon.artifacts.web import create_app
from kaon.dsl.ir import Proposed
from kaon.dsl.sampling import Range, Space
from kaon.dsl.sweeps import Objective, swept
from kaon.steps.leaderboard import leaderboard, leaderboard_of

RANKS = [8, 2, 4]


@kaon.step(output="metrics")
def score(*, rank: int = 1, fails_at: int = -1) -> Metrics:
    """Score a rank."""
    print(f"scored rank {rank}")
    if rank == fails_at:
        raise ValueError(f"rank {rank} is too much")
    return {"value": float(rank % 5)}


listed = kaon.workflow("listed", kaon.sweep(rank=RANKS).do(score, on_failure="continue") >> leaderboard)
OBJECTIVE = Objective.parse("metrics.value", "maximize")
proposed = swept(
    kaon.workflow("single", score),
    ("score.rank",),
    Proposed(Space((("score.rank", Range(1, 30, integer=True)),)), 6, 3, "metrics", "value", "maximize", 1),
    objective=OBJECTIVE,
    then=lambda measured: leaderboard_of(measured).with_(objective="metrics.value"),
)


def run_with_the_first_point_last(workflow: Any, store: Store, rank: int) -> int:
    """Run a sweep whose first point, of this rank, fails and begins anew when the others are done."""
    run = kaon.run(workflow, {"score.fails_at": rank}, store=store, raises=False).run_id
    kaon.run(workflow, {"score.fails_at": -1}, store=store, resume=run)
    first = store.records.step_runs(run, path="score")[0]
    assert first.keys[0][1] != rank, "the first point is no longer the one that began first"
    return run


def leaderboard_in(store: Store, run: int) -> Any:
    return store.get([made for _, name, made in store.records.outputs(run) if name == "leaderboard"][-1])


def numbers_of(board: Any, setting: str) -> dict[int, Any]:
    return {row["point"]: row[setting] for row in board.to_pylist()}


def shown_by(page: Page, address: str) -> dict[int, Any]:
    """Return the settings that a sweep's page has for each number."""
    page.goto(address)
    rows = page.locator("#sweep-board tbody tr").all()
    return {int(re.findall(r"\d+", row.locator("th").inner_text())[0]): _setting(row) for row in rows}


def _setting(row: Any) -> int:
    return int(row.locator("td.num").first.inner_text())


def told_by_terminal(home: Path, run: int, named: str) -> str:
    command = [sys.executable, "-m", "kaon.cli", "logs", str(run), named, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.browser
def test_a_number_read_on_the_page_names_the_same_settings_in_the_terminal(tmp_path: Path, page: Page) -> None:
    store = open_store(tmp_path / "store")
    run = run_with_the_first_point_last(listed, store, RANKS[0])
    board = leaderboard_in(store, run)
    with served(create_app(tmp_path / "store")) as address:
        shown = shown_by(page, f"{address}/sweeps/{run}")

    assert shown == dict(enumerate(RANKS))
    assert numbers_of(board, "rank") == shown
    for number, rank in shown.items():
        assert f"sweep[rank={rank}]/score  scored rank {rank}\n" in told_by_terminal(
            tmp_path, run, f"score[point={number}]"
        )


@pytest.mark.browser
def test_points_that_a_search_proposed_have_the_numbers_of_its_leaderboard(tmp_path: Path, page: Page) -> None:
    store = open_store(tmp_path / "store")
    first = kaon.run(proposed, store=open_store("memory://"))["sweep_points"][0]["score.rank"]
    run = run_with_the_first_point_last(proposed, store, first)
    board = leaderboard_in(store, run)
    with served(create_app(tmp_path / "store")) as address:
        shown = shown_by(page, f"{address}/sweeps/{run}")
        best = page.locator("#sweep-board tr[data-best] th").inner_text()

    assert shown[0] == first
    assert numbers_of(board, "score.rank") == shown
    assert best.split()[0] == str(board.to_pylist()[0]["point"])
