"""What every contender shares: the moments it marks, and the two things it is asked to do.

python tests/benchmarks/peers/NAME.py sweep POINTS START FOLDER    computes so many points from START on
python tests/benchmarks/peers/NAME.py kept START FOLDER            prints how many of them its store shows as completed
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

SWEEP = 1_000_000
"""The points of the n-th sweep of a folder begin at n times this, so that none is known from the sweep before."""


def mark(moment: str) -> None:
    """Note that a moment has come, in the file that the benchmark reads, and the processor's time until then."""
    told = f"{moment} {time.time()}\n{moment}.cpu {time.process_time()}\n"
    with open(os.environ["BENCHMARK_MARKS"], "a") as marks:
        marks.write(told)


def squared(point: int) -> int:
    """Return the square: the trivial work of every contender. The first point of a sweep marks that work has begun."""
    if point % SWEEP == 0:
        mark("first")
    return point * point


def added(squares: list[int]) -> int:
    """Return the sum, and mark that every result is in hand: the join of every contender."""
    total = sum(squares)
    mark("joined")
    return total


def contend(sweep: Callable[[int, int, Path], object], kept: Callable[[int, Path], int]) -> None:
    """Do what the command line asks."""
    match sys.argv[1:]:
        case ["sweep", points, start, folder]:
            sweep(int(points), int(start), Path(folder))
        case ["kept", start, folder]:
            print(kept(int(start), Path(folder)))
        case _:
            sys.exit(__doc__)
