"""The training steps of the shipped workflow beside the libraries that they call, each in processes of its own."""

import json
import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table
from tests.benchmarks.observed import Observed, observe, script

from kaon.dsl.backends.prefect.own_server import shared_server

SETTINGS: Mapping[str, object] = {
    "train_als.engine": "implicit",
    "train_two_tower.epochs": 1,
    "check_stability.maximum_width": 1.0,
    "check_stability.maximum_difference": 1.0,
    "check_stability.maximum_regret": 1.0,
    "check_stability.minimum_lift": -1.0,
    "check_stability.minimum_overlap": 0.0,
}
"""One attempt with short training, whatever comes of it."""
STEPS = {
    "train_als": "implicit",
    "train_two_tower": "a plain PyTorch loop",
    "train_ranker": "XGBoost on its matrix",
    "build_index": "FAISS",
}
"""Every step that is measured, and its peer."""
WAYS: tuple[Literal["alone", "local", "prefect"], ...] = ("alone", "local", "prefect")
ALLOWED = 0.05
"""What a step may take on top of its function, as a share of it."""
COLUMNS = (
    "seconds",
    "training",
    "around it",
    "of the processor",
    "more than its peer",
    "share",
    "at most 5 %",
    "memory",
)


@dataclass(frozen=True, slots=True)
class Trained:
    """One run of a step or of its peer."""

    seconds: float
    """From reading its inputs until what it made is written, and recorded."""
    function: float
    """Seconds of the step's function alone; of a peer, those between its reading and its writing."""
    memory: int
    """Bytes, at most, of the process from its start; on Prefect without the server."""
    processor: float = 0.0
    """Seconds of the processor, all threads of the process, that the function does not take."""

    @property
    def around(self) -> float:
        """Seconds that the function does not take: reading, writing, and recording."""
        return self.seconds - self.function


def trained(step: str, way: str, settings: Mapping[str, object], folder: Path) -> Trained:
    """Return what a step takes in a run on a backend, or its peer alone, in a new process."""
    given = json.dumps(settings)
    command = (
        [*script("training_alone"), step, str(folder)]
        if way == "alone"
        else [*script("training_steps"), way, step, given, str(folder)]
    )
    seen = observe(command, folder, KAON_HOME=str(folder / "home"))
    processor = _between(seen, "began.cpu", "ended.cpu") - _between(seen, "called.cpu", "returned.cpu")
    return Trained(_between(seen, "began", "ended"), _between(seen, "called", "returned"), seen.memory, processor)


def prepared(settings: Mapping[str, object], folder: Path) -> None:
    """Run the workflow once, so that every later run finds what it needs in the folder's store."""
    command = [*script("training_steps"), "prepare", json.dumps(settings), str(folder)]
    observe(command, folder, KAON_HOME=str(folder / "home"))


def table(repeats: int) -> Table:
    """Return the table of all steps, each way measured so often, in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(SETTINGS, folder)
        return measured(folder, repeats, STEPS)


def measured(folder: Path, repeats: int, steps: Iterable[str]) -> Table:
    """Return the table of some steps in a folder that is prepared."""
    made = Table("", title="training: each step in a run of recommendations, beside its peer", title_justify="left")
    for name in COLUMNS:
        made.add_column(name, justify="right")
    with shared_server(folder / "home"):
        for step in steps:
            turns = [{way: trained(step, way, SETTINGS, folder) for way in WAYS} for _ in range(repeats)]
            alone = [turn["alone"] for turn in turns]
            for way in WAYS:
                made.add_row(*row(step, way, [turn[way] for turn in turns], alone))
            made.add_section()
    return made


def row(step: str, way: str, found: Sequence[Trained], alone: Sequence[Trained]) -> tuple[str, ...]:
    """Return the row of a step and a way: medians, and what lies between the quickest and the slowest run.

    alone: the peer in the same turns.
    """
    seconds = [one.seconds for one in found]
    spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"
    told = (
        spread,
        f"{statistics.median(one.function for one in found):.2f}",
        _milliseconds([one.around for one in found]),
        _milliseconds([one.processor for one in found]),
    )
    memory = f"{statistics.median(one.memory for one in found) / 2**20:,.0f} MiB"
    if way == "alone":
        return f"{STEPS[step]} alone", *told, "", "", "", memory
    more = [one.around - peer.around for one, peer in zip(found, alone, strict=True)]
    share = statistics.median(added / one.function for added, one in zip(more, found, strict=True))
    judged = "yes" if share <= ALLOWED else "NO"
    return f"{step}, {way}", *told, _milliseconds(more), f"{100 * share:+.1f} %", judged, memory


EXPLAINED = """\
Seconds: from reading the inputs until what was trained is written, without imports; of a step, in a run that skips all
others, from its start to its end in the records. Around the training: reading the inputs and writing what was made, by
the library's own files alone, or checked by digest from and to the store, and recorded; of the processor: its time in
all threads of the process, which other programs do not change as much. The share is what a step takes more around its
training than its peer, of the training. The ranker's peer reads the matrix that the step computes, so its reading
counts as training. Memory: the proportional set size of the process, the highest of a look every 0.2 s; a step's has
Kaon loaded, and the libraries of all four steps."""


def _milliseconds(values: Sequence[float]) -> str:
    return f"{1000 * statistics.median(values):.0f} ms"


def _between(seen: Observed, first: str, last: str) -> float:
    return seen.marks[last] - seen.marks[first]
