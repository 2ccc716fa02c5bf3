"""Sessions that are written by hand, a line each: user title device day hour episode/episodes fraction."""

import pandas as pd

from kaon.steps.continue_watching import Sessions, sessions

FIRST_DAY = pd.Timestamp("2026-03-02T00:00:00Z")


def watched(*lines: str) -> Sessions:
    """Return the sessions of lines such as `ann dark tv 0 20 3/8 0.5`."""
    rows = []
    for line in lines:
        user, title, device, day, hour, episode, fraction = line.split()
        reached, _, episodes = episode.partition("/")
        time = FIRST_DAY + pd.Timedelta(days=int(day), hours=float(hour))
        rows.append((user, title, device, time, int(reached), int(episodes), float(fraction)))
    names = ["user_id", "title_id", "device", "time", "episode", "episodes", "fraction"]
    return sessions(pd.DataFrame(rows, columns=names))
