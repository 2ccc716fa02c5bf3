"""Whether what was learnt may be published, or the stage goes back and does it again."""

from typing import Annotated, NamedTuple

import pyarrow as pa
from pydantic import Field

from kaon.dsl import current_step, step


class Validation(NamedTuple):
    """Whether it is good enough, and where it is not."""

    valid: bool
    weak: list[str]
    """Regions whose best model does not gain enough."""


@step
def validate(region_table: pa.Table, *, minimum_gain: Annotated[float, Field(gt=0)] = 1.1) -> Validation:
    """Return whether the best model of every region is so many times as good as popularity.

    minimum_gain: times popularity's nDCG@10.
    """
    rows = region_table.to_pylist()
    weak = [row["region"] for row in rows if row[row["best"]] < minimum_gain * row["popularity"]]
    if unjudged := [row["region"] for row in rows if not row["users"]]:
        current_step().log(f"nobody to judge by, and not held to the minimum: {', '.join(unjudged)}")
    if weak:
        current_step().log(f"gains less than {minimum_gain:g} times popularity in {', '.join(weak)}")
    return Validation(not weak, weak)
