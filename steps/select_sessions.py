"""Which sessions the continue-watching row learns from: made up, or a user's own."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import pandas as pd
from pydantic import Field

from kaon.dsl import step

from .continue_watching.sessions import COLUMNS, BadSessions, Sessions, sessions
from .datasets import Scale
from .datasets.files import own_tables
from .datasets.synthetic import synthetic_sessions


class SelectedSessions(NamedTuple):
    """What is learnt from, and what to call it."""

    sessions: Sessions
    source: str
    """One line for reports and figures, which says so where the sessions are made up."""


@step
def select_sessions(
    *,
    dataset: Literal["synthetic", "files"] = "synthetic",
    folder: Path | None = None,
    columns: dict[str, str] = {},  # noqa: B006  a step's default is a setting's, and never changed
    synthetic_events: Annotated[int, Field(ge=1000)] = 100_000,
    synthetic_seed: int = 0,
) -> SelectedSessions:
    """Return the sessions, sorted by user and time, and where they come from.

    dataset: synthetic (made up, and called so), or files: Parquet and CSV with user_id, title_id, device, time (by the
        user's clock) and fraction (of the film or episode that was watched at the end), and for series episode (the one
        that was reached) and episodes (of the title).
    folder: of your own files, or one such file. When they change, the step runs again.
    columns: names in your own files, where they differ: {"user_id": "profile"}.
    synthetic_events: sessions that are made up.
    synthetic_seed: from which they are made up.
    """
    if dataset == "synthetic":
        made_up = synthetic_sessions(Scale(synthetic_events, synthetic_seed))
        source = f"synthetic: {synthetic_events:,} made-up sessions, seed {synthetic_seed}"
        return SelectedSessions(sessions(made_up, source=source), source)
    if folder is None:
        raise BadSessions("select_sessions.dataset=files needs select_sessions.folder=FOLDER, or one file")
    tables = [
        sessions(frame, source=path.name)
        for path, frame in own_tables(folder, columns, COLUMNS, step="select_sessions")
    ]
    joined = sessions(pd.concat(tables, ignore_index=True), source=str(folder))
    return SelectedSessions(joined, f"{folder.name}: {len(joined):,} sessions")
