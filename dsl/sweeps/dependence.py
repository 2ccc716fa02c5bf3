"""What of a plan depends on some of its settings, and what an output needs."""

from collections.abc import Iterable, Set
from functools import cached_property
from typing import assert_never

from ..plan import (
    Absent,
    Attempts,
    Branch,
    BranchExport,
    Call,
    Default,
    Given,
    Items,
    Loop,
    Output,
    Plan,
    PlanNode,
    Setting,
    Source,
    Variable,
    children,
)


class Dependence:
    """Answers, of the nodes of a plan by their paths, what depends on what.

    once: the paths of repetitions that are run once, so that nothing depends on what ends them.
    """

    def __init__(self, plan: Plan, once: Set[str] = frozenset()) -> None:
        self._once = once
        self.nodes: dict[str, Call | Loop | Attempts | Branch] = {}
        self._around: dict[str, tuple[Loop | Attempts | Branch, ...]] = {}
        self._note(plan.root, ())

    @cached_property
    def calls(self) -> dict[str, Call]:
        """Every call, by its path."""
        return {path: node for path, node in self.nodes.items() if isinstance(node, Call)}

    def affected(self, addresses: Set[str]) -> frozenset[str]:
        """Return the paths of the calls whose result may differ with these settings."""
        settings = {Setting(address) for address in addresses}
        return frozenset(path for path in self.calls if settings & self._followed(self._of_call(path)))

    def settings(self, paths: Iterable[str]) -> frozenset[str]:
        """Return the addresses of all settings that these calls depend on."""
        found = self._followed([source for path in paths for source in self._of_call(path)])
        return frozenset(source.address for source in found if isinstance(source, Setting))

    def needed(self, source: Source) -> frozenset[str]:
        """Return the paths of the calls that a source's value comes from."""
        found = self._followed([source])
        return frozenset(one.node for one in found if isinstance(one, Output) and one.node in self.calls)

    def _note(self, node: PlanNode, around: tuple[Loop | Attempts | Branch, ...]) -> None:
        if isinstance(node, Call | Loop | Attempts | Branch):
            self.nodes[node.path] = node
            self._around[node.path] = around
        within = (*around, node) if isinstance(node, Loop | Attempts | Branch) else around
        for child in children(node):
            self._note(child, within)

    def _followed(self, sources: Iterable[Source]) -> set[Source]:
        """Return these sources and all that they go back to."""
        found: set[Source] = set()
        waiting = list(sources)
        while waiting:
            source = waiting.pop()
            if not isinstance(source, Given | Default | Absent) and source not in found:
                found.add(source)
                waiting += self._before(source)
        return found

    def _before(self, source: Source) -> list[Source]:
        match source:
            case Output(node=path, name=name):
                return self._of_node(self.nodes[path], name)
            case Variable(loop=path):
                node = self.nodes[path]
                return [node.over.values] if isinstance(node, Loop) and isinstance(node.over, Items) else []
            case Given() | Setting() | Default() | Absent():
                return []
            case _:
                assert_never(source)

    def _of_node(self, node: Call | Loop | Attempts | Branch, name: str) -> list[Source]:
        match node:
            case Call(path=path):
                return self._of_call(path)
            case Loop() | Attempts():
                named = [export.inside for export in node.exports if export.name == name]
                inside = named or [export.inside for export in node.exports]  # `sweep_points` tells of every point
                return [*inside, *self._control(node)]
            case Branch():
                either = [source for export in node.exports if export.name == name for source in _arms(export)]
                return [*either, node.condition_source]
            case _:
                assert_never(node)

    def _of_call(self, path: str) -> list[Source]:
        around = [source for node in self._around[path] for source in self._control(node)]
        return [*(item.source for item in self.calls[path].inputs), *around]

    def _control(self, node: Loop | Attempts | Branch) -> list[Source]:
        """Return what decides whether, and for what, a node's inside runs."""
        match node:
            case Loop(over=Items(values=values)):
                return [values]
            case Loop():
                return []
            case Attempts():
                return [] if node.path in self._once else [node.until_source]
            case Branch():
                return [node.condition_source]
            case _:
                assert_never(node)


def _arms(export: BranchExport) -> tuple[Source, Source]:
    return export.then, export.otherwise
