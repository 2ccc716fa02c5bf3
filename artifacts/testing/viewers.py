"""The conformance suites of viewers: what the pages rely on, whoever wrote the viewer.

class TestPaletteViewer(ViewerTests):
    viewer = PaletteViewer()
    examples = [(Palette, Palette(("#fff", "#000")))]
    foreign = [(int, 3)]
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from ..artifact import Artifact
from ..errors import CorruptArtifact
from ..records.calls import Begin, Begun, Ending
from ..store import Store, open_store
from ..viewers import HistoryViewer, Moment, Opened, Viewer, history_viewers_for, viewers_for
from ..viewers.blocks import (
    BLOCKS,
    ArtifactLink,
    Block,
    Chart,
    Facts,
    Grid,
    Page,
    Picture,
    RunLink,
    StoredTable,
    StoredText,
    Tree,
)

HOSTILE = "<script>alert('kaon')</script>\"'><img src=x onerror=alert(1)>"
CELLS = (str, int, float, bool, type(None), RunLink, ArtifactLink)
MOST_BYTES = 16 << 20
"""What one view may hold: a browser has to take it."""


class ViewerTests:
    """Subclass it as `Test…`, and give the viewer and examples."""

    viewer: ClassVar[Viewer]
    examples: ClassVar[Sequence[tuple[Any, Any]]]
    """Annotation and value."""
    output: ClassVar[str] = "value"
    """Name of the output that the examples are stored under."""
    foreign: ClassVar[Sequence[tuple[Any, Any]]] = ((int, 3), (dict[str, str], {"a": HOSTILE}))
    """Annotations and values that the viewer does not suit."""
    installed: ClassVar[bool] = True
    """Whether the viewer is declared as an entry point."""

    @pytest.fixture
    def values(self) -> Sequence[tuple[Any, Any]]:
        """Every example."""
        return self.examples

    @pytest.fixture
    def opened(self, tmp_path: Any, values: Sequence[tuple[Any, Any]]) -> list[Opened]:
        """The examples, stored."""
        store = open_store(tmp_path / "viewed")
        return [Opened(store, stored(store, value, annotation, self.output)) for annotation, value in values]

    def test_the_viewer_suits_what_it_shows_and_nothing_else(self, opened: list[Opened], tmp_path: Any) -> None:
        for one in opened:
            assert self.viewer.fits(one.artifact) > 0
            if self.installed:
                assert self.viewer.name in [viewer.name for viewer in viewers_for(one.artifact)]
        store = open_store(tmp_path / "foreign")
        for annotation, value in self.foreign:
            assert self.viewer.fits(stored(store, value, annotation)) == 0, value

    def test_it_has_a_name_for_links_and_a_title_for_people(self) -> None:
        assert self.viewer.name.isidentifier() and self.viewer.title.strip()

    def test_a_view_is_made_of_safe_blocks(self, opened: list[Opened]) -> None:
        for one in opened:
            check_blocks(self.viewer.view(one))

    def test_the_same_artifact_gives_the_same_view(self, opened: list[Opened]) -> None:
        for one in opened:
            again = Opened(one.store, one.artifact)

            assert repr(list(self.viewer.view(one))) == repr(list(self.viewer.view(again)))

    def test_a_damaged_artifact_is_refused_and_not_shown_as_if_it_were_whole(self, opened: list[Opened]) -> None:
        for one in opened:
            if one.store.records.inline_value(one.artifact.digest) is not None:
                continue
            path = one.store.blobs.path(one.artifact.digest)
            path.chmod(0o644)
            path.write_bytes(b"damaged")
            reads = Opened(one.store, one.artifact)

            with pytest.raises(CorruptArtifact):
                for block in self.viewer.view(reads):
                    if isinstance(block, (StoredText, StoredTable)):
                        reads.path  # noqa: B018 - who draws such a block reads the file


class HistoryViewerTests:
    """Subclass it as `Test…`, and give the viewer and the values of the runs; None is a run that gave none."""

    viewer: ClassVar[HistoryViewer]
    annotation: ClassVar[Any]
    values: ClassVar[Sequence[Any]]
    """What the runs gave, the oldest first."""
    output: ClassVar[str] = "value"
    installed: ClassVar[bool] = True

    @pytest.fixture
    def moments(self, tmp_path: Any) -> list[Moment]:
        """The runs."""
        store = open_store(tmp_path / "viewed")
        start = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            Moment(
                run=run,
                started=start + timedelta(days=run),
                state="failed" if value is None else "completed",
                artifact=None if value is None else stored(store, value, self.annotation, self.output),
                open=lambda artifact: Opened(store, artifact),
            )
            for run, value in enumerate(self.values, 1)
        ]

    def test_the_viewer_suits_the_artifact(self, moments: list[Moment]) -> None:
        newest = next(moment.artifact for moment in reversed(moments) if moment.artifact)

        assert self.viewer.fits(newest) > 0
        if self.installed:
            assert self.viewer.name in [viewer.name for viewer in history_viewers_for(newest)]

    def test_it_has_a_name_for_links_and_a_title_for_people(self) -> None:
        assert self.viewer.name.isidentifier() and self.viewer.title.strip()

    def test_a_view_is_made_of_safe_blocks(self, moments: list[Moment]) -> None:
        check_blocks(self.viewer.view(moments))

    def test_one_run_and_runs_without_the_artifact_are_histories_too(self, moments: list[Moment]) -> None:
        given = [moment for moment in moments if moment.artifact]
        missing = dataclasses.replace(given[0], run=99, artifact=None, state="failed")

        check_blocks(self.viewer.view(given[:1]))
        check_blocks(self.viewer.view([missing, given[0], missing]))
        check_blocks(self.viewer.view([missing]))

    def test_the_points_lead_to_their_runs(self, moments: list[Moment]) -> None:
        shown = repr(list(self.viewer.view(moments)))

        for moment in moments:
            if moment.artifact:
                assert (
                    f"/runs/{moment.run}'" in shown
                    or f"RunLink(run={moment.run})" in shown
                    or (f"Run {moment.run}," in shown)
                ), f"run {moment.run} is not in the view"


def stored(store: Store, value: object, annotation: object, name: str = "value") -> Artifact:
    """Return the value as an artifact of a run of its own."""
    lease = store.records.start_run("viewed", {}, "{}", "local").lease
    (begun,) = store.begin_steps(lease, [Begin("viewed/step", "step")])
    assert isinstance(begun, Begun)
    ending = Ending(begun.step_run, "completed", outputs=(store.dumped(value, name, annotation),))
    (made,) = store.finish_steps(lease, [ending])
    return made[name]


def check_blocks(blocks: Iterable[Block]) -> None:
    """Require that a view holds something, and only what every page can draw safely."""
    seen = list(blocks)
    assert seen, "a view has at least one block: a Note says why there is nothing to see"
    for block in seen:
        assert isinstance(block, BLOCKS), f"{type(block).__name__} is no block"
        match block:
            case Facts():
                assert all(isinstance(name, str) and isinstance(value, CELLS) for name, value in block.facts)
            case Grid():
                assert all(len(row) == len(block.columns) for row in block.rows)
                assert all(isinstance(cell, CELLS) for row in block.rows for cell in row)
            case Chart():
                assert block.title.strip() and block.description.strip(), "a chart is told to who cannot see it"
                assert len(json.dumps(block.spec)) < MOST_BYTES
                assert "url" not in _data_of(block.spec), "a chart has its data inside: the page fetches nothing"
            case Tree():
                assert len(json.dumps(block.value)) < MOST_BYTES
            case Picture():
                assert block.description.strip() and len(block.content) <= MOST_BYTES
            case Page():
                assert len(block.html) < MOST_BYTES


def _data_of(spec: Any) -> Any:
    found = spec.get("data", {})
    return found if isinstance(found, dict) else {}
