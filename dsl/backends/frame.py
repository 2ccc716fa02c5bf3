"""What is known at a point of a run: the outputs so far, and the items and attempts of the loops around it."""

from dataclasses import dataclass, field

from ..plan import Json
from .references import Reference


@dataclass(slots=True)
class Frame:
    """The outputs made in one item of one loop, or one attempt, inside those of what encloses it."""

    parent: "Frame | None" = None
    keys: tuple[tuple[str, Json], ...] = ()
    """(loop variable, item), outermost first."""
    attempts: tuple[int, ...] = ()
    """The attempt of every enclosing repeat, outermost first."""
    values: dict[tuple[str, str], Reference] = field(default_factory=dict)
    """Outputs by (path, name)."""
    variables: dict[tuple[str, str], Reference] = field(default_factory=dict)
    """Loop variables by (path of the loop, name)."""

    def output(self, path: str, name: str) -> Reference:
        """Return the output of a node, made here or in what encloses this."""
        frame: Frame | None = self
        while frame is not None:
            if (path, name) in frame.values:
                return frame.values[path, name]
            frame = frame.parent
        raise AssertionError(f"the plan reads {name} of {path} before it is made")

    def variable(self, loop: str, name: str) -> Reference:
        """Return the item of an enclosing loop."""
        frame: Frame | None = self
        while frame is not None:
            if (loop, name) in frame.variables:
                return frame.variables[loop, name]
            frame = frame.parent
        raise AssertionError(f"the plan reads {name} outside of {loop}")
