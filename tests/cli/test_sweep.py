"""`kaon sweep`: what it says before and after, what it runs, and what it refuses."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Called, Project

FLOW = """
from typing import Annotated, Literal

from kaon import repeat, step, workflow
from kaon.artifacts import Metrics
from pydantic import Field


@step(output="numbers")
def load(*, many: int = 4) -> list[int]:
    return list(range(many))


@step(output="model")
def train(
    numbers: list[int],
    *,
    rank: Annotated[int, Field(gt=0)] = 2,
    alpha: float = 1.0,
    engine: Literal["a", "b c"] = "a",
    unlucky: int = 0,
) -> float:
    if rank == unlucky:
        raise ValueError("an unlucky rank")
    return rank * alpha + len(numbers) + (engine == "b c")


@step(output="scores")
def evaluate(model: float) -> Metrics:
    return Metrics({"loss@10": abs(model - 10)})


@step
def publish(scores: Metrics) -> None:
    open("published", "a").write("x")


toy = workflow("toy", load >> train >> evaluate >> publish)
"""
LOCAL = ("--backend", "local", "--no-mlflow")
Call = Callable[..., Called]


@pytest.fixture
def toy(tmp_path: Path) -> Project:
    (tmp_path / "toy.py").write_text(FLOW)
    return Project(tmp_path, tmp_path / ".kaon")


def without_spaces(text: str) -> str:
    return re.sub(r" +(\n)|( ) +", r"\1\2", text)


def test_a_sweep_tells_its_points_ranks_them_and_gives_the_best_as_a_command(toy: Project) -> None:
    ended = toy.kaon(
        "sweep",
        "toy.py",
        "train.rank=1,2,3",
        "train.engine=a,b c",
        "load.many=5",
        "--minimize",
        "scores.loss@10",
        *LOCAL,
    )
    told = without_spaces(ended.stdout)

    assert ended.returncode == 0, ended.stderr
    assert told.startswith("6 points: train.rank × 3, train.engine × 2\n once load\n each point train, evaluate\n")
    head = "point train.rank train.engine model scores.loss@10 state\n"
    assert f"{head}5 3 b c 9 1 completed\n3 2 b c 8 2 completed\n" in told
    assert (
        "\nbest scores.loss@10 = 1, point 5\n"
        " run it kaon run toy.py load.many=5 train.rank=3 'train.engine=b c'\n"
        " leaderboard kaon artifact "
    ) in told
    assert "\n scatter kaon artifact " in told
    assert not (toy.folder / "published").exists()


def test_the_command_of_the_best_point_reuses_what_the_sweep_made(toy: Project) -> None:
    swept = toy.kaon("sweep", "toy.py", "train.rank=1,2", "--maximize", "scores.loss@10", *LOCAL)
    command = re.search(r"run it +kaon (.*)\n", swept.stdout)
    assert command is not None
    ended = toy.kaon(*command[1].split(), *LOCAL)

    assert "↷ train skipped: same code, settings and inputs as run 1" in ended.stdout
    assert (toy.folder / "published").exists()


def test_a_second_sweep_runs_only_the_points_that_are_new(toy: Project, call: Call) -> None:
    call("sweep", "toy.py", "train.rank=1,2", "--maximize", "model", *LOCAL, project=toy)
    again = call("sweep", "toy.py", "train.rank=2,3", "--maximize", "model", *LOCAL, project=toy)

    assert "↷ train (train.rank=2) skipped" in again.out
    assert "✓ train (train.rank=3) completed" in again.out


def test_points_that_fail_are_in_the_leaderboard_and_the_others_go_on(toy: Project, call: Call) -> None:
    ended = call(
        "sweep", "toy.py", "train.rank=1,2,3", "train.unlucky=2", "--maximize", "scores.loss@10", *LOCAL, project=toy
    )

    assert ended.code == 0
    assert re.search(r"\n1 +2 +failed", ended.out)


def test_a_sweep_fails_if_fewer_points_succeed_than_must(toy: Project, call: Call) -> None:
    values = ("train.rank=1,2", "train.unlucky=2", "--min-success", "0.9")
    ended = call("sweep", "toy.py", *values, "--maximize", "model", *LOCAL, project=toy)

    assert ended.code == 1
    assert "1 of 2 items succeeded, and min_success asks for 90%" in ended.out


def test_points_are_drawn_at_random_with_a_seed(toy: Project, call: Call) -> None:
    values = ("train.rank=1..100", "train.alpha=0.1..10:log", "--sample", "5", "--seed", "3")
    ended = call("sweep", "toy.py", *values, "--maximize", "model", *LOCAL, project=toy)
    again = call("sweep", "toy.py", *values, "--maximize", "model", *LOCAL, project=toy)

    assert "5 points: drawn at random with seed 3" in ended.out
    assert again.out.count("↷ train (") == 5


def test_points_are_proposed_as_results_come(toy: Project, call: Call) -> None:
    values = ("train.rank=1..9", "train.alpha=0.1..4:log", "--sampler", "tpe", "--sample", "6")
    ended = call("sweep", "toy.py", *values, "--minimize", "scores.loss@10", *LOCAL, project=toy)

    assert "6 points: proposed by TPE with seed 0, 4 at a time" in ended.out
    assert len(re.findall(r"✓ train \(", ended.out)) == 6


def test_points_are_listed_in_a_file(toy: Project, call: Call) -> None:
    (toy.folder / "points.csv").write_text("train.rank,train.alpha\n1,2.0\n3,0.5\n")
    ended = call("sweep", "toy.py", "load.many=1", "--points", "points.csv", "--maximize", "model", *LOCAL, project=toy)

    assert ended.code == 0
    assert "2 points: listed in " in ended.out
    assert re.search(r"\n0 +1 +2 +3 +completed", ended.out)


def test_a_failed_sweep_is_continued_with_retry(toy: Project, call: Call) -> None:
    values = ("train.rank=1,2,3", "--min-success", "3", "--maximize", "model")
    (toy.folder / "toy.py").write_text(FLOW.replace("rank == unlucky", 'rank == 2 and open("lucky").read()'))
    first = call("sweep", "toy.py", *values, *LOCAL, project=toy)
    (toy.folder / "lucky").write_text("")
    second = call("retry", "last", project=toy)

    assert first.code == 1
    assert second.code == 0, second.out + second.err
    assert "run 1 of toy_sweep completed" in second.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train.rank=1",), "nothing is swept"),
        (("train.rnk=1,2",), "did you mean 'train.rank'?"),
        (("train.rank=1,2", "load.mny=3"), "did you mean 'load.many'?"),
        (("train.rank=1,0", "train.engine=a,c"), "2 problems"),
        (("train.alpha=1..2",), "fix: say how many: train.alpha=1..2:5; or draw points: --sample 100"),
        (("train.rank=1..1000000000",), "has no end of values for a grid"),
        (("train.rank=1..9999", "train.alpha=1..2:999"), "the grid has 9,989,001 points"),
        (("train.rank=1,2", "--maximize", "scores"), "write scores.NAME, as in scores.ndcg@10"),
        (
            ("train.rank=1,2", "--maximize", "scores.a", "--minimize", "model"),
            "--maximize and --minimize are both given",
        ),
        (("train.rank=1,2", "--sampler", "tpe", "--sample", "3"), "add --maximize OUTPUT.METRIC"),
        (("train.rank=1,2", "--sampler", "random"), "add --sample 100"),
        (("train.rank=1,2", "--sampler", "grid", "--sample", "3"), "exclude each other"),
        (("train.rank=1,2", "--sampler", "list"), "give --points FILE.csv"),
        (("train.rank=1,2", "--min-success", "most"), "--min-success most is no number"),
        (("train.rank=1,2", "load.many=3", "load.many=4"), "'load.many' is given twice"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_before_anything_runs(
    toy: Project, call: Call, arguments: tuple[str, ...], told: str
) -> None:
    ended = call("sweep", "toy.py", *arguments, *LOCAL, project=toy)

    assert ended.code == 2
    assert told in ended.err
    assert ended.out == ""
