"""How durations, rates and sizes are told to people, on the terminal and on pages."""

from __future__ import annotations

from datetime import timedelta


def duration(time: timedelta | float) -> str:
    """Return a duration, given in seconds or as one, for people.

    >>> [duration(s) for s in (0.0, 0.041, 3.25, 75, 7300, 200000)]
    ['0 ms', '41 ms', '3.2 s', '1 min 15 s', '2 h 1 min', '2 d 7 h']
    """
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if seconds < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if seconds < 24 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def per_second(rate: float) -> str:
    """Return a rate for people.

    >>> [per_second(rate) for rate in (2104.4, 12.34, 0.25, 0.0)]
    ['2,104/s', '12.3/s', '15/min', '0/s']
    """
    if rate >= 100:
        return f"{rate:,.0f}/s"
    if rate >= 1:
        return f"{rate:.1f}/s"
    return f"{rate * 60:.0f}/min" if rate > 0 else "0/s"


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> [size(n) for n in (12, 2048, 5 * 1024**2)]
    ['12 B', '2.0 KiB', '5.0 MiB']
    """
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
