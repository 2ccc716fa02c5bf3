"""Viewers are found by entry points: the best one first, and a broken one never in the way of the others."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pandas as pd
import pytest

from kaon.artifacts import BrokenViewer, Metrics, Store
from kaon.artifacts.testing.viewers import stored
from kaon.artifacts.viewers import (
    found,
    history_viewers_for,
    load_history_viewers,
    load_viewers,
    viewers_for,
)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """The entry points that are found instead of the installed ones."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(found, "entry_points", lambda group: points)
    load_viewers.cache_clear()
    yield points
    load_viewers.cache_clear()


def test_what_is_installed_keeps_the_contract():
    for viewer in (*load_viewers().viewers, *load_history_viewers().viewers):
        assert viewer.name and viewer.title


def test_the_viewer_that_suits_best_comes_first_and_the_summary_last(store: Store):
    importance: Any = pd.DataFrame({"feature": ["a"], "gain": [1.0]})
    table, metrics = stored(store, importance, pd.DataFrame), stored(store, Metrics(a=1), Metrics)

    assert [viewer.name for viewer in viewers_for(table)] == ["importance", "table", "summary"]
    assert [viewer.name for viewer in history_viewers_for(metrics)] == ["metrics", "facts"]


def test_a_broken_viewer_is_left_out_and_told(installed: list[EntryPoint]):
    installed += [
        EntryPoint("mine", "nowhere:Mine", found.GROUP),
        EntryPoint("summary", "kaon.artifacts.viewers.summary:SummaryViewer", found.GROUP),
    ]
    (broken,) = load_viewers().broken

    assert [viewer.name for viewer in load_viewers().viewers] == ["summary"]
    assert str(broken) == (
        "the viewer 'mine' cannot be loaded\n"
        "  where: entry point 'nowhere:Mine'\n"
        "  why: ModuleNotFoundError: No module named 'nowhere'\n"
        "  fix: mend or uninstall the package that declares it"
    )


def test_an_installation_without_any_viewer_says_how_to_mend_it(installed: list[EntryPoint]):
    with pytest.raises(BrokenViewer, match="Kaon's own viewers are not installed"):
        load_viewers()
