from collections.abc import Iterator

from ..errors import Problem, did_you_mean
from ..fit import fits, shown
from ..scope import Facts, RepeatFact


def repeat_until_bool(facts: Facts) -> Iterator[Problem]:
    """Yield repetitions whose `until` is not a bool that their body provides."""
    for repeat in facts.repeats:
        if repeat.inside is None:
            if not repeat.uncertain:
                yield _absent(repeat)
        elif not fits(repeat.inside.type, bool):
            yield Problem(
                f"repeat runs until {repeat.node.until!r}, which is of type {shown(repeat.inside.type)}",
                repeat.node.where,
                why=f"{repeat.inside.by} provides it at {repeat.inside.where}, and only a bool can be waited for",
                fix=f"let {repeat.inside.by} output a bool",
            )


def _absent(repeat: RepeatFact) -> Problem:
    name = repeat.node.until
    bools = [known for known, offer in repeat.provided.items() if fits(offer.type, bool)]
    if repeat.outside is not None:
        what = f"repeat runs until {name!r}, which its body does not provide"
        why = f"{repeat.outside.by} provides it before the loop, so it would never change"
    else:
        what = f"repeat runs until {name!r}, and nothing in its body provides it"
        why = f"bools that the body provides: {', '.join(bools) or 'none'}"
    fix = did_you_mean(name, bools) or f'put a step into the body with @step(output="{name}") that returns a bool'
    return Problem(what, repeat.node.where, why, fix)
