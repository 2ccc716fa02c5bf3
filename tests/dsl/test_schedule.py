"""Schedules: what can be one, and what becomes of it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kaon.dsl import Cron, Every, WorkflowError, step, workflow
from kaon.dsl.schedule import bound_as_of


@step(output="number")
def count() -> int:
    return 1


def test_a_cron_expression_keeps_its_words_and_its_clock() -> None:
    schedule = Cron("0  3 * * mon-FRI", timezone="Europe/Berlin", catch_up="all")

    assert (schedule.expression, schedule.timezone, schedule.catch_up) == ("0 3 * * mon-FRI", "Europe/Berlin", "all")
    assert str(schedule) == "cron '0 3 * * mon-FRI' in Europe/Berlin"


def test_equal_schedules_are_equal() -> None:
    assert Cron("0 3 * * *") == Cron("0 3 * * *", timezone="UTC", catch_up="latest")
    assert Every(timedelta(hours=1)) != Every(timedelta(hours=2))


@pytest.mark.parametrize(
    "expression", ["* * * * *", "*/5 1-3 1,15 jan-mar/2 sun", "59 23 31 12 7", "0 0 29 2 *", "5/10 * * * *"]
)
def test_what_cron_reads_can_be_a_schedule(expression: str) -> None:
    assert Cron(expression).expression == expression


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "0 3 * *",
            "'0 3 * *' is not a cron expression\n"
            "why: it has five fields: minute, hour, day of the month, month, day of the week\n"
            'fix: "0 3 * * *" is every day at 03:00',
        ),
        (
            "@daily",
            "'@daily' is not a cron expression\n"
            "why: it has five fields: minute, hour, day of the month, month, day of the week\n"
            'fix: write it out: "0 0 * * *"',
        ),
        (
            "61 * * * *",
            "'61' cannot be the minute of '61 * * * *'\n"
            "why: 61 is not between 0 and 59\n"
            "fix: give *, 0-59, a list such as 0,59, or steps such as */2",
        ),
        (
            "0 */0 * * *",
            "'*/0' cannot be the hour of '0 */0 * * *'\n"
            "why: after the slash of '*/0' stands how many to step, 1 or more\n"
            "fix: give *, 0-23, a list such as 0,23, or steps such as */2",
        ),
        (
            "0 0 5-1 * *",
            "'5-1' cannot be the day of the month of '0 0 5-1 * *'\n"
            "why: '5-1' goes backwards\n"
            "fix: give *, 1-31, a list such as 1,31, or steps such as */2",
        ),
        (
            "0 0 * * someday",
            "'someday' cannot be the day of the week of '0 0 * * someday'\n"
            "why: 'someday' is not a number from 0 to 7 or one of sun, mon, tue, wed, thu, fri, sat\n"
            "fix: give *, 0-7, a list such as 0,7, or steps such as */2",
        ),
        (
            "0 0 31 2,4 *",
            "'0 0 31 2,4 *' never comes\n"
            "why: no month that it names has a day 31\n"
            'fix: the last days of every month are "0 0 28-31 * *"; name a day that the month has',
        ),
    ],
)
def test_what_cron_does_not_read_is_refused_with_the_field_and_the_mend(expression: str, message: str) -> None:
    with pytest.raises(WorkflowError) as refused:
        Cron(expression)

    assert told(refused.value) == message


def test_a_refusal_shows_the_line_that_made_the_schedule() -> None:
    with pytest.raises(WorkflowError) as refused:
        Cron("61 * * * *")

    assert refused.value.problems[0].where.source.strip() == 'Cron("61 * * * *")'


def test_an_unknown_time_zone_is_refused_with_the_nearest() -> None:
    with pytest.raises(WorkflowError) as refused:
        Cron("0 3 * * *", timezone="Europe/Berlim")

    assert told(refused.value) == (
        "there is no time zone 'Europe/Berlim'\n"
        "why: a time zone has the name of the tz database, so that summer time is kept\n"
        "fix: did you mean 'Europe/Berlin'?"
    )


def test_an_unknown_policy_is_refused_with_the_choices() -> None:
    with pytest.raises(WorkflowError) as refused:
        Every(timedelta(hours=1), catch_up="some")  # type: ignore[arg-type]

    assert told(refused.value) == (
        "catch_up='some' is not a policy\n"
        "why: it says which of the times run that passed while nothing could run\n"
        "fix: choose one of: 'all', 'latest', 'none'"
    )


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(seconds=-5), 3600])
def test_an_interval_is_a_second_or_more(interval: object) -> None:
    with pytest.raises(WorkflowError) as refused:
        Every(interval)  # type: ignore[arg-type]

    assert told(refused.value) == (
        f"Every({interval!r}) is no interval\n"
        "why: it must be a timedelta of a second or more\n"
        "fix: Every(timedelta(hours=6)), or Cron(…) for times of the day"
    )


def test_an_anchor_without_a_zone_is_on_the_schedules_clock() -> None:
    schedule = Every(timedelta(days=1), anchor=datetime(2026, 7, 1, 3), timezone="Europe/Berlin")

    assert schedule.anchor.astimezone(UTC) == datetime(2026, 7, 1, 1, tzinfo=UTC)


def test_a_workflow_has_its_schedule_also_when_some_parameters_are_fixed() -> None:
    nightly = workflow("nightly", count, schedule=Cron("0 3 * * *"))

    assert nightly.schedule == nightly.with_().schedule == Cron("0 3 * * *")
    assert workflow("by_hand", count).schedule is None


def test_a_text_is_no_schedule() -> None:
    with pytest.raises(WorkflowError) as refused:
        workflow("nightly", count, schedule="0 3 * * *")  # type: ignore[arg-type]

    assert told(refused.value) == (
        "schedule='0 3 * * *' is not a schedule\n"
        "why: its time zone and what becomes of missed times are part of it\n"
        "fix: schedule=Cron('0 3 * * *')"
    )


def test_the_date_of_a_time_is_that_of_the_schedules_clock() -> None:
    late = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)

    assert bound_as_of(date, late, "Europe/Berlin") == date(2026, 2, 1)
    assert bound_as_of(date | None, late, "UTC") == date(2026, 1, 31)
    assert bound_as_of(datetime, late, "Europe/Berlin") == late
    assert bound_as_of(datetime | None, late, "Europe/Berlin") == late


def told(error: WorkflowError) -> str:
    """Return what an error says, without the lines of the source."""
    (problem,) = error.problems
    return f"{problem.what}\nwhy: {problem.why}\nfix: {problem.fix}"
