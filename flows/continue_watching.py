"""Place and order the row of titles that a user may go on with, as on Netflix's home page."""

from pydantic import BaseModel

from kaon.dsl import workflow
from kaon.steps.evaluate_continuation import evaluate_continuation
from kaon.steps.evaluate_resume_ranker import evaluate_resume_ranker
from kaon.steps.find_resumable import find_resumable
from kaon.steps.place_row import place_row
from kaon.steps.select_sessions import select_sessions
from kaon.steps.train_continuation import train_continuation
from kaon.steps.train_resume_ranker import train_resume_ranker


class Params(BaseModel):
    """What reaches every step that asks for it."""

    seed: int = 0
    """Seed of every random choice."""


continue_watching = workflow(
    "continue_watching",
    select_sessions
    >> find_resumable
    >> train_resume_ranker
    >> [
        evaluate_resume_ranker,
        train_continuation >> [evaluate_continuation, place_row],
    ],
    params=Params,
    report=("source", "resume_metrics", "continuation_metrics", "reliability", "row_positions", "placement_metrics"),
    doc="Rank the titles that a user may resume, and place their row by the odds that the session resumes one.",
)
