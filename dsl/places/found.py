"""Find a place by the name that a plan records: Kaon's own, or an entry point of the group `kaon.places`."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..errors import did_you_mean
from .errors import PlaceError
from .place import Place

GROUP = "kaon.places"
OWN = {
    "in_process": "kaon.dsl.places.place:InProcess",
    "process": "kaon.dsl.places.place:Process",
    "shell": "kaon.dsl.places.shell:Shell",
    "docker": "kaon.dsl.places.docker:Docker",
    "spark_submit": "kaon.dsl.places.spark:SparkSubmit",
}
"""Known without a look at what is installed, which takes as long as a hundred steps."""


@cache
def place_named(name: str) -> type[Place]:
    """Return the class of a place. Raises PlaceError if there is none of the name, or it cannot be loaded."""
    point = EntryPoint(name, OWN[name], GROUP) if name in OWN else _installed(name)
    try:
        found: type[Place] = point.load()
    except Exception as error:
        raise PlaceError(
            f"the place {name!r} cannot be loaded",
            why=f"its entry point {point.value!r}: {type(error).__name__}: {error}",
            fix="mend or uninstall the package that declares it",
        ) from error
    return found


def place_from(name: str, configuration: dict[str, Any]) -> Place:
    """Return the place that a plan records. Raises PlaceError."""
    return place_named(name).from_json(configuration)


def place_names() -> tuple[str, ...]:
    """Return the names of all places that are there."""
    return tuple(sorted({*OWN, *(point.name for point in entry_points(group=GROUP))}))


def _installed(name: str) -> EntryPoint:
    for point in entry_points(group=GROUP):
        if point.name == name:
            return point
    raise PlaceError(
        f"there is no place {name!r}",
        why=f"no installed package declares it as an entry point of the group {GROUP!r}",
        fix=did_you_mean(name, place_names()),
    )
