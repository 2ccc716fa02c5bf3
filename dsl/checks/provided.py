from collections.abc import Iterator
from difflib import get_close_matches

from ..errors import Problem
from ..fit import fits, items_of, shown
from ..scope import Facts, Read


def provided(facts: Facts) -> Iterator[Problem]:
    """Yield inputs that nobody provides."""
    for read in facts.reads:
        if read.offer is None and read.parameter.required and not read.uncertain:
            yield _missing(read)


def _missing(read: Read) -> Problem:
    wanted = f"{read.name}: {shown(read.parameter.annotation)}"
    why, fix = _explained(read)
    return Problem(f"{read.step.name} needs {wanted!r}, and nothing upstream provides it", read.step.where, why, fix)


def _explained(read: Read) -> tuple[str, str]:
    reads = f'{read.step.name}.reads({read.parameter.name}="{{}}")'
    fitting = {name: offer for name, offer in read.visible.items() if fits(offer.type, read.parameter.annotation)}
    near = get_close_matches(read.name, fitting, n=1)
    if near:
        offer = fitting[near[0]]
        return f"{offer.by} provides {str(offer)!r}", f"did you mean {near[0]!r}? {reads.format(near[0])}"
    for name in get_close_matches(read.name, read.visible, n=3):
        items = items_of(read.visible[name].type)
        if items is not None and fits(items[1], read.parameter.annotation):
            why = f"{read.visible[name].by} provides {str(read.visible[name])!r}: one for each item of a loop"
            return why, f'for_each({read.name}="{name}").do({read.step.name})'
    if len(fitting) == 1:
        ((name, offer),) = fitting.items()
        return f"{offer.by} provides {str(offer)!r}", reads.format(name)
    if fitting:
        return f"of that type there are: {', '.join(sorted(fitting))}", f"choose one: {reads.format(min(fitting))}"
    names = ", ".join(sorted(read.visible)) or "nothing"
    return f"in scope: {names}", f"put a step before it that outputs {read.name!r}, or give it a default"
