"""Schedules as Prefect reads them, and the times that they name."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from ...schedule import Cron, Every, Schedule

if TYPE_CHECKING:
    from prefect.client.schemas.schedules import SCHEDULE_TYPES

MOST = 10_000
"""Times that are told at once."""


def prefect_schedule(schedule: Schedule) -> "SCHEDULE_TYPES":
    """Return the schedule that a Prefect deployment has for this one."""
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    match schedule:
        case Cron(expression, timezone):
            return CronSchedule(cron=expression, timezone=timezone)
        case Every(interval, anchor, timezone):
            return IntervalSchedule(interval=interval, anchor_date=anchor, timezone=timezone)
        case _:
            assert_never(schedule)


def times(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    """Return the times of a schedule later than `after` and not later than `until`, as Prefect counts them.

    At most MOST: the earliest.
    """
    from prefect.server.schemas import schedules

    kept = prefect_schedule(schedule)
    kind = schedules.CronSchedule if isinstance(schedule, Cron) else schedules.IntervalSchedule
    counted = kind.model_validate(kept.model_dump())

    async def counted_out() -> list[datetime]:
        found: list[datetime] = []
        while len(found) < MOST:
            start = found[-1] if found else after
            more = [time for time in await counted.get_dates(start=start, end=until) if start < time <= until]
            if not more:
                break
            found += more
        return found[:MOST]

    with ThreadPoolExecutor(1) as apart:  # in a notebook a loop runs in this thread
        return apart.submit(asyncio.run, counted_out()).result()
