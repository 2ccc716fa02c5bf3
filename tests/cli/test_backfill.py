"""`kaon backfill`: one run for each interval of a time that has passed."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from kaon.artifacts import Store, open_store
from kaon.cli.intervals import intervals
from kaon.cli.refusals import CallError
from kaon.dsl import Cron, Workflow, step, workflow

from .conftest import Called, Project

FLOW = """
import os
import time
from datetime import date
from pathlib import Path

from pydantic import BaseModel

from kaon import step, workflow


class Params(BaseModel):
    as_of: date
    market: str = "us"


@step(output="report")
def report_day(as_of: date, market: str, *, bad: str = "", pause: float = 0.0) -> str:
    Path("began").mkdir(exist_ok=True)
    Path("began", str(as_of)).touch()
    if str(as_of) == bad:
        raise ValueError(f"no numbers for {as_of}")
    if str(as_of) == os.environ.get("DEADLY"):
        os._exit(7)
    time.sleep(pause)
    return f"{market} on {as_of}"


daily = workflow("daily", report_day, params=Params)
"""


class Days(BaseModel):
    as_of: date


class Times(BaseModel):
    as_of: datetime


@step(output="day")
def tell_day(as_of: date) -> str:
    return str(as_of)


@step(output="time")
def tell_time(as_of: datetime) -> str:
    return str(as_of)


days = workflow("days", tell_day, params=Days)
times = workflow("times", tell_time, params=Times)


@pytest.fixture
def daily(tmp_path: Path) -> Project:
    """A project with a workflow that runs for a day."""
    (tmp_path / "daily.py").write_text(FLOW)
    return Project(tmp_path, tmp_path / ".kaon")


def test_every_day_from_the_first_to_the_last_is_an_interval() -> None:
    assert intervals(days, "2026-02-27", "2026-03-02", "day") == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
        date(2026, 3, 2),
    ]


def test_weeks_are_counted_from_the_first_day() -> None:
    assert intervals(days, "2026-01-05", "2026-01-19", "week") == [date(2026, 1, day) for day in (5, 12, 19)]


def test_the_last_day_is_whole_where_hours_are_counted() -> None:
    found = intervals(times, "2026-01-01", "2026-01-01", "hour")

    assert (len(found), found[0], found[-1]) == (
        24,
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 23, tzinfo=UTC),
    )


def test_a_workflow_with_a_schedule_is_filled_at_its_times_and_on_its_clock() -> None:
    mondays = Cron("30 3 * * mon", timezone="Europe/Berlin")
    weekly = workflow("weekly", tell_time, params=Times, schedule=mondays)

    assert intervals(weekly, "2026-03-20", "2026-03-31", None) == [
        datetime(2026, 3, 23, 2, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 1, 30, tzinfo=UTC),  # summer time has begun
    ]


def test_the_times_of_a_schedule_are_counted_in_a_notebook_too() -> None:
    hourly = workflow("hourly", tell_time, params=Times, schedule=Cron("0 * * * *"))

    async def cell() -> int:  # a notebook runs its cells in a loop
        return len(intervals(hourly, "2026-01-01", "2026-01-01", None))

    assert asyncio.run(cell()) == 24


def test_days_keep_their_date_when_the_clocks_change() -> None:
    local = workflow("local", tell_day, params=Days, schedule=Cron("0 0 * * *", timezone="Europe/Berlin"))

    assert intervals(local, "2026-03-28", "2026-03-30", "day") == [date(2026, 3, day) for day in (28, 29, 30)]


@pytest.mark.parametrize(
    ("flow", "first", "last", "every", "message"),
    [
        (
            workflow("plain", workflow("inner", tell_day, params=Days).with_(as_of=date(2026, 1, 1))),
            "2026-01-01",
            "2026-01-02",
            "day",
            "plain has no parameter 'as_of', so that every interval would be the same run",
        ),
        (days, "2026-01-02", "2026-01-01", "day", "--to 2026-01-01 is before --from 2026-01-02"),
        (days, "2026-13-01", "2026-01-01", "day", "'2026-13-01' is not a date"),
        (days, "2026-01-01", "2026-01-01", "hour", "as_of is a date, and 24 intervals have only 1"),
        (times, "2020-01-01", "2026-01-01", "hour", "these are more than 10,000 intervals"),
    ],
)
def test_intervals_that_cannot_be_are_refused_with_the_mend(
    flow: Workflow, first: str, last: str, every: str, message: str
) -> None:
    with pytest.raises(CallError) as refused:
        intervals(flow, first, last, every)  # type: ignore[arg-type]

    lines = str(refused.value).splitlines()
    assert lines[0] == message
    assert lines[-1].startswith("  fix: ")


def test_each_interval_is_a_run_with_as_of_bound_and_a_second_backfill_skips_them(daily: Project) -> None:
    first = filled(daily, "2026-01-01", "2026-01-03", "market=ca", "--at-once", "2")

    second = filled(daily, "2026-01-02", "2026-01-04", "market=ca")

    assert [(i["as_of"], i["state"]) for i in first] == [(f"2026-01-0{day}", "completed") for day in (1, 2, 3)]
    assert [(i["as_of"], i["state"]) for i in second] == [
        ("2026-01-02", "skipped"),
        ("2026-01-03", "skipped"),
        ("2026-01-04", "completed"),
    ]
    runs = store_of(daily).records.runs("daily", 10)
    assert sorted(run.settings["as_of"] for run in runs) == [f"2026-01-0{day}" for day in (1, 2, 3, 4)]
    assert {run.tags["backfill"] for run in runs} == {"2026-01-01 to 2026-01-03", "2026-01-02 to 2026-01-04"}
    assert {run.tags["flow"] for run in runs} == {str(daily.folder / "daily.py")}


def test_other_settings_are_another_backfill_and_again_runs_what_exists(daily: Project) -> None:
    filled(daily, "2026-01-01", "2026-01-01")

    other = filled(daily, "2026-01-01", "2026-01-01", "market=ca")
    again = filled(daily, "2026-01-01", "2026-01-01", "--again")

    assert [interval["state"] for interval in (*other, *again)] == ["completed", "completed"]


def test_a_day_that_fails_or_takes_its_process_down_stops_no_other(
    daily: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEADLY", "2026-01-02")

    done = backfill(daily, "2026-01-01", "2026-01-03", "report_day.bad=2026-01-01")

    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("✗ 2026-01-01  failed     run 1")
    assert "no numbers for 2026-01-01" in lines[0]
    assert lines[1].startswith("✗ 2026-01-02  failed")
    assert "its process exited with 7" in lines[1]
    assert lines[2].startswith("✓ 2026-01-03  completed")
    assert lines[3] == "3 intervals: 2 failed, 1 completed"


def test_ctrl_c_records_the_running_day_as_cancelled_and_the_next_backfill_continues(daily: Project) -> None:
    going = daily.start(*arguments("2026-01-01", "2026-01-03", "report_day.pause=60"))
    wait_for(daily.folder / "began" / "2026-01-01")

    going.send_signal(signal.SIGINT)

    out, err = going.communicate(timeout=60)
    assert going.returncode == 130, err
    assert out.splitlines()[0].startswith("– 2026-01-01  cancelled")
    assert out.splitlines()[-1] == "3 intervals: 1 cancelled, 2 not begun"
    (run,) = store_of(daily).records.runs("daily", 10)
    assert run.state == "cancelled"
    assert not (daily.folder / "began" / "2026-01-02").exists()


def test_a_day_whose_run_goes_on_elsewhere_is_left_to_it(daily: Project) -> None:
    going = daily.start(
        "run", "daily.py", "as_of=2026-01-01", "report_day.pause=60", "--backend", "local", "--no-mlflow"
    )
    wait_for(daily.folder / "began" / "2026-01-01")

    done = backfill(daily, "2026-01-01", "2026-01-01", "report_day.pause=60")

    os.kill(going.pid, signal.SIGINT)
    going.communicate(timeout=60)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("● 2026-01-01  running    run 1")


def test_a_value_that_does_not_fit_is_refused_before_anything_runs(daily: Project, call: Callable[..., Called]) -> None:
    called = call(*arguments("2026-01-01", "2026-01-02", "report_day.pause=long"), project=daily)

    assert (called.code, called.out) == (2, "")
    assert "report_day.pause='long' does not fit" in called.err


def arguments(first: str, last: str, *more: str) -> list[str]:
    return ["backfill", "daily.py", "--from", first, "--to", last, "--backend", "local", "--no-mlflow", *more]


def backfill(project: Project, first: str, last: str, *more: str) -> subprocess.CompletedProcess[str]:
    return project.kaon(*arguments(first, last, *more))


def filled(project: Project, first: str, last: str, *more: str) -> list[dict[str, object]]:
    """Return what a backfill tells of its intervals, all of which have a run that completed."""
    done = backfill(project, first, last, "--json", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def store_of(project: Project) -> Store:
    return open_store(project.home / "store")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + timedelta(seconds=60).total_seconds()
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)
