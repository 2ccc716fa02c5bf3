"""All records over one database."""

from __future__ import annotations

from .beginning import BeginningRecords
from .checkpoints import CheckpointRecords
from .finishing import FinishingRecords
from .holds import HoldRecords
from .inside import InsideRecords
from .listing import ListingRecords
from .messages import MessageRecords
from .outputs import OutputRecords
from .points import PointRecords
from .progress import ProgressRecords
from .runs import RunRecords
from .steps import StepRecords
from .tagged import TaggedRecords
from .workflows import WorkflowRecords


class Records(
    RunRecords,
    BeginningRecords,
    FinishingRecords,
    StepRecords,
    HoldRecords,
    OutputRecords,
    MessageRecords,
    ProgressRecords,
    ListingRecords,
    InsideRecords,
    WorkflowRecords,
    TaggedRecords,
    PointRecords,
    CheckpointRecords,
):
    """Runs, steps, artifacts, messages and questions: the truth about what has run.

    Times are datetimes in UTC. Every method is one transaction, safe to call from many threads and processes.
    A method that writes into a run takes its lease, and is refused once the run has ended or was taken over.
    """
