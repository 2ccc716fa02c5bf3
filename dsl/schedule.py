"""When a workflow runs by itself: at the times of a cron expression, or every so often."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

from .errors import WorkflowError, did_you_mean
from .where import Where, written_by_caller

CatchUp: TypeAlias = Literal["none", "latest", "all"]
"""What becomes of times that passed while nothing could run: none of them, the latest, or all of them run late."""

ANCHOR = datetime(2020, 1, 1)
"""An interval without an anchor is counted from this midnight, so that it means the same on every server."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields of a cron expression."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("day of the week", 0, 7, DAYS),
)


@dataclass(frozen=True, slots=True, init=False)
class Cron:
    """The times of a cron expression.

    >>> Cron("0 3 * * *", timezone="Europe/Berlin")
    Cron(expression='0 3 * * *', timezone='Europe/Berlin', catch_up='latest')
    """

    expression: str
    """Minute, hour, day of the month, month and day of the week."""
    timezone: str
    """The clock that it is read on, with its summer time."""
    catch_up: CatchUp

    def __init__(self, expression: str, *, timezone: str = "UTC", catch_up: CatchUp = "latest") -> None:
        """Raise WorkflowError if the expression, the time zone or the policy cannot be."""
        where = written_by_caller().where
        _check_cron(expression, where)
        _check_timezone(timezone, where)
        _check_catch_up(catch_up, where)
        object.__setattr__(self, "expression", " ".join(expression.split()))
        object.__setattr__(self, "timezone", timezone)
        object.__setattr__(self, "catch_up", catch_up)

    def __str__(self) -> str:
        return f"cron {self.expression!r} in {self.timezone}"


@dataclass(frozen=True, slots=True, init=False)
class Every:
    """Times that are one interval apart.

    >>> print(Every(timedelta(hours=6)))
    every 6:00:00 from 2020-01-01 00:00:00 in UTC
    """

    interval: timedelta
    anchor: datetime
    """One of the times, from which the others are counted both ways."""
    timezone: str
    catch_up: CatchUp

    def __init__(
        self,
        interval: timedelta,
        *,
        anchor: datetime = ANCHOR,
        timezone: str = "UTC",
        catch_up: CatchUp = "latest",
    ) -> None:
        """Raise WorkflowError if the interval, the time zone or the policy cannot be."""
        where = written_by_caller().where
        if not isinstance(interval, timedelta) or interval < timedelta(seconds=1):
            raise WorkflowError(
                f"Every({interval!r}) is no interval",
                where,
                why="it must be a timedelta of a second or more",
                fix="Every(timedelta(hours=6)), or Cron(…) for times of the day",
            )
        _check_timezone(timezone, where)
        _check_catch_up(catch_up, where)
        object.__setattr__(self, "interval", interval)
        object.__setattr__(self, "anchor", anchor if anchor.tzinfo else anchor.replace(tzinfo=ZoneInfo(timezone)))
        object.__setattr__(self, "timezone", timezone)
        object.__setattr__(self, "catch_up", catch_up)

    def __str__(self) -> str:
        return f"every {self.interval} from {self.anchor.replace(tzinfo=None)} in {self.timezone}"


Schedule: TypeAlias = Cron | Every


def check_schedule(schedule: object, where: Where) -> None:
    """Raise WorkflowError unless this is a schedule."""
    if schedule is not None and not isinstance(schedule, Cron | Every):
        raise WorkflowError(
            f"schedule={schedule!r} is not a schedule",
            where,
            why="its time zone and what becomes of missed times are part of it",
            fix=f"schedule=Cron({schedule!r})" if isinstance(schedule, str) else 'schedule=Cron("0 3 * * *")',
        )


def bound_as_of(annotation: object, time: datetime, timezone: str) -> object:
    """Return a time as what a parameter `as_of` of this type takes: a date of that time zone, or the time itself."""
    local = time.astimezone(ZoneInfo(timezone))
    return local.astimezone(UTC) if takes_time(annotation) else local.date()


def takes_time(annotation: object) -> bool:
    """Tell whether a parameter of this type takes a time of day besides the date: datetime, or datetime | None."""
    return any(part is datetime for part in (annotation, *get_args(annotation)))


def _check_cron(expression: str, where: Where) -> None:
    fields = expression.split() if isinstance(expression, str) else []
    if len(fields) != len(FIELDS):
        alias = ALIASES.get(fields[0].lower()) if len(fields) == 1 else None
        raise WorkflowError(
            f"{expression!r} is not a cron expression",
            where,
            why="it has five fields: minute, hour, day of the month, month, day of the week",
            fix=f'write it out: "{alias}"' if alias else '"0 3 * * *" is every day at 03:00',
        )
    values = []
    for field, text in zip(FIELDS, fields, strict=True):
        try:
            values.append(frozenset[int]().union(*(_values(field, part) for part in text.split(","))))
        except ValueError as wrong:
            raise WorkflowError(
                f"{text!r} cannot be the {field.name} of {expression!r}",
                where,
                why=str(wrong),
                fix=f"give *, {field.low}-{field.high}, a list such as {field.low},{field.high}, or steps such as */2",
            ) from None
    days, months = values[2], values[3]
    if fields[4] == "*" and all(min(days) > LONGEST_MONTHS[month - 1] for month in months):
        raise WorkflowError(
            f"{expression!r} never comes",
            where,
            why=f"no month that it names has a day {min(days)}",
            fix='the last days of every month are "0 0 28-31 * *"; name a day that the month has',
        )


def _values(field: _Field, part: str) -> range:
    """Return what a part of a field names: `*`, `5`, `1-5`, each with `/2` or without."""
    span, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        raise ValueError(f"after the slash of {part!r} stands how many to step, 1 or more")
    first, dash, last = span.partition("-")
    if span == "*":
        low, high = field.low, field.high
    else:
        low = _value(field, first)
        high = _value(field, last) if dash else (field.high if slash else low)
    if low > high:
        raise ValueError(f"{span!r} goes backwards")
    return range(low, high + 1, int(step) if slash else 1)


def _value(field: _Field, text: str) -> int:
    if text.lower() in field.names:
        return field.names.index(text.lower()) + field.low
    if not text.isdecimal():
        names = f" or one of {', '.join(field.names)}" if field.names else ""
        raise ValueError(f"{text!r} is not a number from {field.low} to {field.high}{names}")
    if not field.low <= int(text) <= field.high:
        raise ValueError(f"{text} is not between {field.low} and {field.high}")
    return int(text)


def _check_timezone(timezone: str, where: Where) -> None:
    known = available_timezones()
    if timezone not in known:
        near = did_you_mean(timezone, known) if isinstance(timezone, str) else ""
        raise WorkflowError(
            f"there is no time zone {timezone!r}",
            where,
            why="a time zone has the name of the tz database, so that summer time is kept",
            fix=near if near.startswith("did") else 'timezone="UTC", or one such as "Europe/Berlin"',
        )


def _check_catch_up(catch_up: str, where: Where) -> None:
    if catch_up not in get_args(CatchUp):
        raise WorkflowError(
            f"catch_up={catch_up!r} is not a policy",
            where,
            why="it says which of the times run that passed while nothing could run",
            fix=did_you_mean(str(catch_up), get_args(CatchUp)),
        )
