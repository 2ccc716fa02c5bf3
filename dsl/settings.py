"""The settings of a workflow as one pydantic model: what the CLI, Prefect's form and the UI are made from."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from .errors import Problem, SettingsError, did_you_mean
from .plan import Json
from .scope import Declared
from .signature import REQUIRED


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), arbitrary_types_allowed=True)


def settings_model(workflow: str, declared: Iterable[Declared]) -> type[BaseModel]:
    """Return the model of a workflow's settings: declared parameters first, then one group a step."""
    unique = {setting.address: setting for setting in declared}
    groups: dict[str, list[Declared]] = {"": []}
    for setting in unique.values():
        groups.setdefault(setting.step, []).append(setting)
    fields: dict[str, Any] = {setting.name: _field(setting) for setting in groups.pop("")}
    alike: dict[tuple[object, ...], type[BaseModel]] = {}
    for step, own in groups.items():
        same = tuple((setting.name, id(setting.annotation), id(setting.default), setting.help) for setting in own)
        if same not in alike:  # a model takes 2 ms to make; places of one step under several names share it
            alike[same] = _model(step, {setting.name: _field(setting) for setting in own})
        group, title = alike[same], None if alike[same].__name__ == step else step
        fields[step] = (group, Field(default_factory=group, title=title, description=f"Settings of the step {step}."))
    return _model(workflow, fields)


def validated(model: type[BaseModel], values: Mapping[str, object]) -> BaseModel:
    """Return the settings with these values, addressed as `train_als.rank` or nested as {"train_als": {"rank": 8}}.

    Raises SettingsError with one problem for each value that names no setting or does not fit.
    """
    nested, problems = _nested(model, values)
    try:
        settings = model.model_validate(nested)
    except ValidationError as error:
        unknown = {problem.what for problem in problems}
        problems += [problem for fault in error.errors() if (problem := _fault(fault)).what not in unknown]
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def flat(settings: BaseModel) -> dict[str, Json]:
    """Return settings as JSON by address."""
    found: dict[str, Json] = {}
    for name, value in settings.model_dump(mode="json").items():
        if isinstance(getattr(settings, name), _Group):
            found |= {f"{name}.{setting}": inner for setting, inner in value.items()}
        else:
            found[name] = value
    return found


def addresses(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the address of every setting of a model."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, _Group):
            found += [f"{name}.{setting}" for setting in group.model_fields]
        else:
            found.append(name)
    return tuple(found)


@contextmanager
def any_name_allowed() -> Iterator[None]:
    """Let fields of models that are made meanwhile be called as attributes of pydantic are, such as `validate`.

    Steps and settings have the names that the researcher gave them, and nobody calls those attributes.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
        yield


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    with any_name_allowed():
        return create_model(name, __base__=_Group, **fields)


def _field(setting: Declared) -> Any:
    default = ... if setting.default is REQUIRED else setting.default
    return (Annotated[setting.annotation, Field(description=setting.help or None)], default)


def _nested(model: type[BaseModel], values: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    known = addresses(model)
    nested: dict[str, Any] = {}
    problems = []
    for address, value in values.items():
        step, _, name = address.partition(".")
        if address in known:
            if name:
                nested.setdefault(step, {})[name] = value
            else:
                nested[address] = value
        elif not name and isinstance(value, Mapping | BaseModel) and any(a.startswith(f"{step}.") for a in known):
            inner = value.model_dump() if isinstance(value, BaseModel) else value
            deeper, found = _nested(model, {f"{step}.{setting}": item for setting, item in inner.items()})
            nested.setdefault(step, {}).update(deeper.get(step, {}))
            problems += found
        else:
            problems.append(_unknown(address, known))
    return nested, problems


def _unknown(address: str, known: tuple[str, ...]) -> Problem:
    return Problem(
        f"there is no setting {address!r}",
        why="a setting is an input that nothing upstream provides, with a default; or a declared parameter",
        fix=did_you_mean(address, known) or "this workflow has no settings",
    )


def _fault(fault: Any) -> Problem:
    address = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return Problem(f"the parameter {address!r} has no value", fix=f"give it one: {address}=…")
    shown = fault["msg"][0].lower() + fault["msg"][1:]
    return Problem(f"{address}={fault['input']!r} does not fit", why=shown, fix=f"give {address} another value")
