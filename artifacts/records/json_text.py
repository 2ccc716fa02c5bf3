"""Values as the JSON text that the records keep."""

from __future__ import annotations

import json
from typing import Any

from ..json_form import json_form

_encode = json.JSONEncoder(separators=(",", ":"), default=json_form).encode
_decode = json.JSONDecoder().decode


def json_text(value: object, where: str = "value") -> str:
    """Return the value as the records write it. Raises NotStorable for what JSON cannot say.

    >>> json_text((("market", "US"), ("rank", 8)))
    '[["market","US"],["rank",8]]'
    """
    if value == ():
        return "[]"
    try:
        return _encode(value)
    except TypeError:  # a key that is no text, which only json_form can spell or refuse well
        return _encode(json_form(value, where))


def from_json_text(text: str) -> Any:
    """Return the value that was written."""
    return [] if text == "[]" else _decode(text)
