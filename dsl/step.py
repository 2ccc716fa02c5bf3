"""@step: declare that a typed function is a step."""

from collections.abc import Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar, overload

from .errors import WorkflowError
from .ir import Definition, Step
from .places.place import IN_PROCESS, Place
from .resources import ANY_SHARE, Resources
from .where import Where, users_frame, written_by_caller

P = ParamSpec("P")
R = TypeVar("R")


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...


@overload
def step(
    *,
    output: str | None = None,
    retries: int = 0,
    retry_delay: timedelta = timedelta(0),
    timeout: timedelta | None = None,
    retry_backoff: float = 1.0,
    retry_jitter: float = 0.0,
    resources: Resources = ANY_SHARE,
    place: Place = IN_PROCESS,
    reusable: bool = True,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...


def step(
    function: Callable[P, R] | None = None,
    /,
    *,
    output: str | None = None,
    retries: int = 0,
    retry_delay: timedelta = timedelta(0),
    timeout: timedelta | None = None,
    retry_backoff: float = 1.0,
    retry_jitter: float = 0.0,
    resources: Resources = ANY_SHARE,
    place: Place = IN_PROCESS,
    reusable: bool = True,
) -> Step[P, R] | Callable[[Callable[P, R]], Step[P, R]]:
    """Declare that a typed function is a step of workflows; called directly, it still just runs.

    output: the name of the artifact it returns; None for a step that returns nothing, or whose return type is a
        NamedTuple, the names of which are its outputs.
    retries: how many times it is tried again after an exception.
    retry_delay: the time before the first retry. It grows by the factor `retry_backoff` with each, and a random part of
        it up to the share `retry_jitter` is added, so that many do not try again at the same instant.
    timeout: the longest one try may take; it kills a step that runs in a process of its own, or in a wide loop.
    resources: what it needs of the machine; kept for a step in a process of its own.
    place: where it runs: in the run's process, `Process()`, `Docker(image=…)`, or a place of your own.
    reusable: False for a step that reads what is none of its inputs, such as what was published last: it runs in every
        run, and what follows is skipped only if it made the same again.

    Raises WorkflowError for an output name that is no identifier, and for negative retries or times.

    >>> @step(output="doubled")
    ... def double(number: int, *, times: int = 2) -> int:
    ...     return number * times
    >>> double(21)
    42
    """
    where = written_by_caller().where
    if output is not None and not output.isidentifier():
        raise WorkflowError(f"{output!r} cannot name an output", where, fix="use letters, digits and underscores")
    check_run(retries, retry_delay, retry_backoff, retry_jitter, timeout, place, where)
    frame = users_frame()
    names = {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)

    def declare(declared: Callable[P, R]) -> Step[P, R]:
        if not callable(declared) or not hasattr(declared, "__code__"):
            raise WorkflowError(
                f"{declared!r} cannot be a step",
                where,
                why="a step is a plain function with typed parameters",
                fix="write a function that calls it",
            )
        definition = Definition(
            declared,
            output,
            retries,
            retry_delay,
            timeout,
            resources,
            where,
            names,
            retry_backoff,
            retry_jitter,
            place,
            reusable,
        )
        return Step(definition, name=declared.__name__, where=where)

    return declare if function is None else declare(function)


def check_run(
    retries: int,
    retry_delay: timedelta,
    retry_backoff: float,
    retry_jitter: float,
    timeout: timedelta | None,
    place: object,
    where: Where,
) -> None:
    """Raise WorkflowError for what cannot say how a step is run."""
    if retries < 0 or retry_delay < timedelta(0) or (timeout is not None and timeout <= timedelta(0)):
        raise WorkflowError(
            "retries and times of a step cannot be negative", where, fix="leave them out, or give numbers above zero"
        )
    if retry_backoff < 1 or retry_jitter < 0:
        raise WorkflowError(
            f"retry_backoff={retry_backoff!r}, retry_jitter={retry_jitter!r} would shorten the delays",
            where,
            why="each retry waits at least as long as the one before it",
            fix="write retry_backoff=2.0 to double the delay each time, and retry_jitter=0.1 for up to a tenth more",
        )
    if not isinstance(place, Place):
        raise WorkflowError(
            f"place={place!r} is no place",
            where,
            why="a place is a value such as Process() or Docker(image=…), whose class keeps the Protocol Place",
            fix="write place=Process(), or leave it out",
        )
