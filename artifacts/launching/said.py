"""What is wrong with a value, by its JSON schema, in words that fit beside a field."""

from __future__ import annotations

from typing import Any

from .fields import Field

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "empty",
}


def misfit(field: Field, value: Any) -> str:
    """Return why a value does not fit a field; empty if it does."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    fault: Any = best_match(Draft202012Validator(field.schema).iter_errors(value))
    return "" if fault is None else f"{_place(fault.absolute_path)}{_why(fault)}"


def _place(path: Any) -> str:
    parts = [f"item {part + 1}" if isinstance(part, int) else str(part) for part in path]
    return f"{', '.join(parts)}: " if parts else ""


def _why(fault: Any) -> str:
    wanted = fault.validator_value
    match fault.validator:
        case "minimum":
            return f"must be {wanted:g} or more"
        case "exclusiveMinimum":
            return f"must be more than {wanted:g}"
        case "maximum":
            return f"must be at most {wanted:g}"
        case "exclusiveMaximum":
            return f"must be less than {wanted:g}"
        case "multipleOf":
            return f"must be a multiple of {wanted:g}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted))}"
        case "const":
            return f"must be {wanted}"
        case "type":
            kinds: list[str] = wanted if isinstance(wanted, list) else [wanted]
            return f"must be {' or '.join(TYPES.get(kind, kind) for kind in kinds)}"
        case "minLength":
            return f"must have {wanted} characters or more"
        case "maxLength":
            return f"must have at most {wanted} characters"
        case "pattern":
            return f"must look like {wanted}"
        case "minItems":
            return f"must have {wanted} items or more"
        case "maxItems":
            return f"must have at most {wanted} items"
        case "uniqueItems":
            return "must not have an item twice"
        case "required" | "additionalProperties":
            return str(fault.message)
    return f"does not fit: {fault.message}"
