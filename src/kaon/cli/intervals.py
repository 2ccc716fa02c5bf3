"""The intervals of a backfill: the values of `as_of` between two times."""

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import ZoneInfo

from .refusals import CallError

if TYPE_CHECKING:
    from kaon.dsl import Workflow

Every: TypeAlias = Literal["hour", "day", "week"]

STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
MOST = 10_000
"""Intervals of one backfill."""


def intervals(workflow: "Workflow", first: str, last: str, every: Every | None) -> list[date | datetime]:
    """Return the values of the workflow's parameter `as_of` from `first` to `last`, both included.

    first, last: a date or a time in ISO form; a date as `last` is the whole day. They are read on the clock of the
        workflow's schedule, UTC if it has none.
    every: how far they lie apart; the times of the workflow's schedule if None, and days if it has none.

    Raises CallError if the workflow has no `as_of`, the times cannot be, or two intervals have the same value.
    """
    from kaon.dsl.schedule import bound_as_of

    field = workflow.settings_model.model_fields.get("as_of")
    if field is None:
        raise CallError(
            f"{workflow.name} has no parameter 'as_of', so that every interval would be the same run",
            why="a backfill runs a workflow once for each interval, with as_of bound to its time",
            fix=f"declare it, and let a step read it: class Params(BaseModel): as_of: date; "
            f'{workflow.name} = workflow("{workflow.name}", …, params=Params)',
        )
    timezone = workflow.schedule.timezone if workflow.schedule is not None else "UTC"
    start, end = _time(first, timezone, whole_day=False), _time(last, timezone, whole_day=True)
    if end < start:
        raise CallError(f"--to {last} is before --from {first}", fix=f"--from {last} --to {first}")
    times = _scheduled(workflow, start, end) if every is None else _apart(start, end, STEPS[every])
    if len(times) > MOST:
        raise CallError(f"these are more than {MOST:,} intervals", fix="give a shorter time, or --every week")
    values = [bound_as_of(field.annotation, moment, timezone) for moment in times]
    if len(set(values)) < len(values):
        raise CallError(
            f"as_of is a date, and {len(values):,} intervals have only {len(set(values)):,}",
            why="two runs with the same as_of would be the same run",
            fix="--every day, or declare as_of: datetime",
        )
    return values  # type: ignore[return-value]


def _scheduled(workflow: "Workflow", start: datetime, end: datetime) -> list[datetime]:
    if workflow.schedule is None:
        return _apart(start, end, STEPS["day"])
    from kaon.dsl.backends.prefect.schedules import times

    return times(workflow.schedule, start - timedelta(microseconds=1), end)


def _apart(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """Return times that are a step apart on the wall's clock; hours are counted in UTC, so that each is there once."""
    clock = start.astimezone(UTC) if step < timedelta(days=1) else start
    count = (end.astimezone(clock.tzinfo).replace(tzinfo=None) - clock.replace(tzinfo=None)) // step
    return [clock + number * step for number in range(min(count, MOST) + 1)]


def _time(text: str, timezone: str, *, whole_day: bool) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise CallError(f"{text!r} is not a date", why=str(wrong), fix="write it as 2026-01-31") from None
    if whole_day and "T" not in text and " " not in text:
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))
