from collections.abc import Iterator

from ..errors import Problem
from ..fit import shown
from ..scope import Declared, Facts


def distinct_names(facts: Facts) -> Iterator[Problem]:
    """Yield steps, parameters and settings that would share one address though they differ."""
    functions: dict[str, object] = {}
    for placement in facts.placements:
        step = placement.step
        known = functions.setdefault(step.name, step.definition.function)
        if known is not step.definition.function and not step.problems:
            yield Problem(
                f"two different steps are called {step.name!r}",
                step.where,
                why=f"settings are addressed by the step's name, as in {step.name}.…",
                fix=f'name one of them: {step.name}.named("…")',
            )
    declared: dict[str, Declared] = {}
    for setting in facts.declared:
        known_setting = declared.setdefault(setting.address, setting)
        if known_setting.annotation != setting.annotation:
            yield Problem(
                f"the parameter {setting.address!r} is declared twice, with different types",
                setting.where,
                why=f"{shown(known_setting.annotation)} at {known_setting.where}, {shown(setting.annotation)} here",
                fix="give both the same type, or fix one with .with_(…)",
            )
        if setting.name.startswith("_") or setting.step.startswith("_"):
            yield Problem(
                f"the setting {setting.address!r} begins with an underscore",
                setting.where,
                why="settings are the fields of a pydantic model, which keeps such names to itself",
                fix='give the step another name, .named("…"), or the input a value, .with_(…)',
            )
        if not setting.step and setting.name in functions:
            yield Problem(
                f"{setting.name!r} is both a parameter and a step",
                setting.where,
                why=f"{setting.name}.… addresses the settings of the step",
                fix="rename the parameter",
            )
