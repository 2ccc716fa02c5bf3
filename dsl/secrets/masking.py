"""Write *** for every value that was revealed in this process: in what steps say and raise, and in Python's logging.

A process that has revealed nothing pays one look at a global for it.
"""

import json
import logging
import re
import threading
import traceback
from typing import Any, BinaryIO
from urllib.parse import quote, quote_plus

from .errors import SecretKept

MASK = "***"
LINE = 6
"""Characters from which a line of a secret of several lines, such as a key, is hidden by itself."""
CHUNK = 1 << 20

_values: set[str] = set()
_hidden: re.Pattern[str] | None = None
_lock = threading.Lock()


def hide(value: str) -> None:
    """Hide a value in all that this process tells from now on, also as repr, JSON and URLs write it."""
    global _hidden
    if value in _values:
        return
    with _lock:
        _values.add(value)
        longest_first = sorted({form for one in _values for form in _forms(one)}, key=len, reverse=True)
        if _hidden is None:
            _hide_in_logging()
        _hidden = re.compile("|".join(map(re.escape, longest_first)))


def masked(text: str) -> str:
    """Return the text with *** for every value that was revealed."""
    return text if _hidden is None else _hidden.sub(MASK, text)


def refuse_secrets(stream: BinaryIO) -> None:
    """Raise SecretKept if what is to be stored holds a value that was revealed; leaves the stream at its start."""
    if _hidden is None:
        return
    forms = [form.encode() for value in tuple(_values) for form in _forms(value)]
    overlap = max(map(len, forms)) - 1
    tail = b""
    while chunk := stream.read(CHUNK):
        window = tail + chunk
        if any(form in window for form in forms):
            raise SecretKept
        tail = window[-overlap:] if overlap else b""
    stream.seek(0)


def _forms(value: str) -> set[str]:
    """Return a value as it may stand in a text."""
    lines = {line.strip() for line in value.splitlines()} if "\n" in value else set()
    plain = {value, *(line for line in lines if len(line) >= LINE)}
    written = {
        form for one in plain for form in (repr(one)[1:-1], json.dumps(one)[1:-1], quote(one, ""), quote_plus(one))
    }
    return plain | written


def _hide_in_logging() -> None:
    """Have every record of Python's logging masked when it is made, whoever handles it: Prefect, a file, a terminal."""
    made = logging.getLogRecordFactory()

    def masking(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        said = record.getMessage()
        if (hidden := masked(said)) != said:
            record.msg, record.args = hidden, ()
        if record.exc_info and record.exc_info[1] is not None:
            shown = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
            if (hidden := masked(shown)) != shown:
                record.exc_info, record.exc_text = None, hidden
        return record

    logging.setLogRecordFactory(masking)
