"""The fields of a workflow's form, from the JSON schema of its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
FieldKind = Literal["integer", "number", "text", "choice", "boolean", "date", "date-time", "list", "json", "any"]

SIMPLE = {"integer": "integer", "number": "number", "string": "text", "boolean": "boolean"}
SWEPT: frozenset[FieldKind] = frozenset({"integer", "number", "text", "choice", "boolean", "any"})
"""Kinds of which a list of values can be written in one line."""


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""Stands for the default of a setting that must be given."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form: a setting, or a part of one that is a model."""

    address: str
    """Of the setting: `seed`, or `train_als.rank`."""
    inner: tuple[str, ...]
    """The names that lead to the part, inside the setting's value; empty for a setting that is one field."""
    kind: FieldKind
    schema: Schema
    """What a value must fit, with the definitions that it refers to."""
    default: Any = REQUIRED
    optional: bool = False
    """Whether it may be nothing."""
    choices: tuple[Any, ...] = ()
    help: str = ""
    hint: str = ""
    """What a value must fit, in words."""

    @property
    def name(self) -> str:
        """The field's name in the form, and what its ids are made of."""
        return "/".join((self.address, *self.inner))

    @property
    def label(self) -> str:
        """What people call it beside its step."""
        return " · ".join((self.address.rpartition(".")[2], *self.inner))

    @property
    def step(self) -> str:
        """The step whose setting it is; empty for a parameter of the workflow."""
        return self.address.rpartition(".")[0]

    @property
    def swept(self) -> bool:
        """Whether it can be varied."""
        return self.kind in SWEPT and not self.inner

    @property
    def ranged(self) -> bool:
        """Whether it can be varied over a range."""
        return self.kind in ("integer", "number") and not self.inner

    def text(self, value: Any) -> str:
        """Return a value as it stands in the field."""
        if value is REQUIRED or (value is None and self.kind != "json"):
            return ""
        if self.kind == "list" and isinstance(value, list | tuple):
            return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in value)
        if self.kind == "json":
            return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) and value else None)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one step, or the parameters of the workflow."""

    step: str
    """Empty for the parameters of the workflow."""
    fields: tuple[Field, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a workflow."""

    groups: tuple[Group, ...]
    fields: Mapping[str, Field] = field(default_factory=dict)
    """By name, in order."""

    def defaults(self) -> dict[str, Any]:
        """Return the default of every setting by address; nothing for one that must be given."""
        return settings_of({name: one.default for name, one in self.fields.items()}, self)


def form_of(plan: Mapping[str, Any]) -> Form:
    """Return the form of the workflow that a plan, as JSON, is of."""
    schema, docs = plan["settings"], dict(_docs(plan["root"]))
    definitions, required = schema.get("$defs", {}), schema.get("required", ())
    alone: list[Field] = []
    groups: list[Group] = []
    steps = {address.partition(".")[0] for address in _addresses(plan["root"]) if "." in address}
    for name, one in schema.get("properties", {}).items():
        resolved = _resolved(one, definitions)
        if name in steps:
            must = resolved.get("required", ())
            inside = resolved.get("properties", {}).items()
            fields = [f for n, s in inside for f in _fields(f"{name}.{n}", (), s, definitions, n in must)]
            groups.append(Group(name, tuple(fields), docs.get(name, "")))
        else:
            alone += _fields(name, (), one, definitions, name in required)
    made = (*((Group("", tuple(alone)),) if alone else ()), *groups)
    return Form(made, {one.name: one for group in made for one in group.fields})


def settings_of(values: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """Return values by field as values by address, the parts of a model put together."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        one = form.fields[name]
        if value is REQUIRED:
            continue
        if not one.inner:
            found[one.address] = value
            continue
        place = found.setdefault(one.address, {})
        for part in one.inner[:-1]:
            place = place.setdefault(part, {})
        place[one.inner[-1]] = value
    return found


def _fields(
    address: str, inner: tuple[str, ...], schema: Schema, definitions: Schema, required: bool, default: Any = REQUIRED
) -> Iterator[Field]:
    resolved = _resolved(schema, definitions)
    own = resolved.get("default", REQUIRED) if default is REQUIRED else default
    if resolved.get("type") == "object" and resolved.get("properties") and len(inner) < 3:
        must = resolved.get("required", ())
        for name, part in resolved["properties"].items():
            given = own.get(name, REQUIRED) if isinstance(own, Mapping) else REQUIRED
            yield from _fields(address, (*inner, name), part, definitions, name in must, given)
        return
    kind, narrowed, optional = _kind(resolved, definitions)
    choices = tuple(narrowed.get("enum", (narrowed["const"],) if "const" in narrowed else ()))
    yield Field(
        address,
        inner,
        kind,
        {**schema, "$defs": definitions},
        REQUIRED if required and default is REQUIRED else own,
        optional,
        choices,
        _sentence(str(resolved.get("description") or "")),
        _hint(kind, narrowed, optional),
    )


def _kind(schema: Schema, definitions: Schema) -> tuple[FieldKind, Schema, bool]:
    """Return what a value is written as, the schema of one that is something, and whether it may be nothing."""
    arms = [_resolved(arm, definitions) for arm in schema.get("anyOf", schema.get("oneOf", ()))] or [schema]
    some = [arm for arm in arms if arm.get("type") != "null"]
    optional = len(some) < len(arms)
    if len(some) != 1:
        return "any", schema, optional
    one = some[0]
    if "enum" in one or "const" in one:
        return "choice", one, optional
    if one.get("type") == "string" and one.get("format") in ("date", "date-time"):
        return one["format"], one, optional
    if one.get("type") == "array":
        items = _resolved(one.get("items", {}), definitions).get("type")
        return (
            "list" if items in ("string", "integer", "number") and "prefixItems" not in one else "json",
            one,
            optional,
        )
    simple = SIMPLE.get(str(one.get("type")))
    return (simple or "json"), one, optional  # type: ignore[return-value]


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema with what it refers to; what it says itself comes first."""
    found = dict(schema)
    while "$ref" in found:
        referred = definitions.get(str(found.pop("$ref")).rpartition("/")[2], {})
        found = {**referred, **found}
    if len(found.get("allOf", ())) == 1:
        found = {**_resolved(found.pop("allOf")[0], definitions), **found}
    return found


def _hint(kind: FieldKind, schema: Schema, optional: bool) -> str:
    words = {"list": "one a line", "json": "JSON", "date-time": "with a time zone"}
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    said = [words[kind]] if kind in words else []
    said += ["a whole number"] if kind == "integer" and low is None and above is None and high is None else []
    said += [f"{low:,g} or more"] if low is not None else [f"more than {above:,g}"] if above is not None else []
    said += [f"at most {high:,g}"] if high is not None else [f"less than {below:,g}"] if below is not None else []
    said += [f"like {schema['pattern']}"] if "pattern" in schema else []
    said += ["may be left empty"] if optional else []
    return _sentence(", ".join(said))


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] if text else ""


def _addresses(node: Mapping[str, Any]) -> Iterator[str]:
    from ..foretelling.foretold import walked

    for inner in walked(node):
        for one in inner.get("inputs", ()):
            if one["source"]["source"] == "setting":
                yield one["source"]["address"]


def _docs(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from ..foretelling.foretold import walked

    for inner in walked(node):
        if inner["node"] == "call":
            yield inner["step"], inner.get("doc", "")
