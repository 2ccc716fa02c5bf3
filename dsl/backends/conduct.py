"""Do what an interpreter yields, one effect after the other, by a conductor that a backend provides."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, assert_never

from .effects import Abandon, Each, Effects, HandedOn, Invocation, Run, Together
from .failures import Stopped
from .interpret import Interpreter
from .references import Reference


class Conductor(Protocol):
    """How a backend does what a plan asks for."""

    def call(self, invocation: Invocation) -> Mapping[str, Reference]:
        """Run a step, or reuse what it made before, and return its outputs; raises Stopped if it has none."""
        ...

    def together(self, interpreter: Interpreter, branches: Sequence[Effects]) -> list[Stopped | None]:
        """Run the branches, every one to its end; return how each stopped, or None."""
        ...

    def each(self, interpreter: Interpreter, each: Each) -> list[HandedOn | Stopped]:
        """Run the loop's body for the items, every one to its end; return what each hands on, or how it stopped."""
        ...

    def abandon(self, abandoned: Abandon) -> None:
        """Note that calls will not be made."""
        ...


def drive(interpreter: Interpreter, effects: Effects, conductor: Conductor) -> None:
    """Do what the interpreter yields, to the end; raises Stopped if it did not finish."""
    reply: Any = None
    stopped: Stopped | None = None
    while True:
        try:
            effect = effects.send(reply) if stopped is None else effects.throw(stopped)
        except StopIteration:
            return
        reply = stopped = None
        match effect:
            case Run(invocation):
                try:
                    reply = conductor.call(invocation)
                except Stopped as error:
                    stopped = error
            case Together(branches):
                reply = conductor.together(interpreter, branches)
            case Each():
                reply = conductor.each(interpreter, effect)
            case Abandon():
                conductor.abandon(effect)
            case _:
                assert_never(effect)
