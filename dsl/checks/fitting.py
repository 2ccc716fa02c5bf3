from collections.abc import Iterator, Mapping
from typing import get_args, get_origin

from ..errors import Problem
from ..fit import fits, optional, plain, shown
from ..scope import Facts, Read
from ..values import is_plain
from .values_fit import values_by_variable, variable_of


def fitting(facts: Facts) -> Iterator[Problem]:
    """Yield inputs that are provided with another type than they ask for.

    Values written out in a loop are judged one by one, by `values_fit`.
    """
    judged = values_by_variable(facts)
    for read in facts.reads:
        if read.offer is None or read.fitting:
            continue
        if not (variable_of(read) in judged and is_plain(read.parameter.annotation)):
            yield _misfit(read)


def _misfit(read: Read) -> Problem:
    assert read.offer is not None, "a misfit has something that does not fit"
    others = [
        name
        for name, offer in read.visible.items()
        if name != read.name and fits(offer.type, read.parameter.annotation)
    ]
    if _joined(read):
        fix = f"annotate it as {shown(read.offer.type)}, or move {read.step.name} inside the loop"
    elif fits(read.offer.type, optional(read.parameter.annotation)):
        fix = f"annotate it as {shown(optional(read.parameter.annotation))}, and say what happens if it is None"
    elif others:
        fix = f'{read.step.name}.reads({read.parameter.name}="{others[0]}")'
    else:
        fix = "change one of the two types, or put a step between them that converts"
    return Problem(
        f"{read.step.name} needs '{read.parameter.name}: {shown(read.parameter.annotation)}', and gets '{read.offer}'",
        read.step.where,
        why=f"{read.offer.by} provides {read.name!r} at {read.offer.where}",
        fix=fix,
    )


def _joined(read: Read) -> bool:
    assert read.offer is not None, "a misfit has something that does not fit"
    offered = plain(read.offer.type)
    return get_origin(offered) is Mapping and fits(get_args(offered)[1], read.parameter.annotation)
