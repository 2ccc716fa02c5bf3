"""What a running step says, as lines of JSON in the file that KAON_MESSAGES names: from any language.

{"progress": 0.4, "text": "epoch 4 of 10"}
{"metric": {"loss": 0.1}, "at": 4}
{"status": "waiting for the cluster"}
{"log": "read 120 rows"}
"""

import json
from collections.abc import Iterator

from ..context import Message

VARIABLE = "KAON_MESSAGES"
EXAMPLE = '{"progress": 0.4, "text": "epoch 4 of 10"}'


def line_of(message: Message) -> str:
    """Return a message as a line.

    >>> line_of(Message("progress", "half way", {"fraction": 0.5}))
    '{"progress": 0.5, "text": "half way"}'
    """
    match message.kind:
        case "progress":
            return json.dumps({"progress": message.values["fraction"], "text": message.text})
        case "metric":
            return json.dumps({"metric": dict(message.values), "at": message.at})
        case kind:
            return json.dumps({kind: message.text})


def messages_of(line: str) -> Iterator[Message]:
    """Yield what a line says; one that says nothing becomes a line of the log that says so.

    >>> [message.kind for message in messages_of('{"metric": {"loss": 0.1}, "log": "better"}')]
    ['metric', 'log']
    """
    if not line.strip():
        return
    try:
        said = json.loads(line)
        found = list(_said(said))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield Message("log", f"{VARIABLE}: {line.strip()!r} is no message ({error}); write lines such as {EXAMPLE}")
        return
    if not found:
        known = "progress, metric, status or log"
        yield Message("log", f"{VARIABLE}: {line.strip()!r} has none of {known}; write lines such as {EXAMPLE}")
    yield from found


def _said(said: dict[str, object]) -> Iterator[Message]:
    if "progress" in said:
        fraction = min(max(float(said["progress"]), 0.0), 1.0)  # type: ignore[arg-type]
        yield Message("progress", str(said.get("text") or ""), {"fraction": fraction})
    if "metric" in said:
        at = said.get("at")
        values = {str(name): float(value) for name, value in said["metric"].items()}  # type: ignore[attr-defined]
        yield Message("metric", "", values, None if at is None else int(at))  # type: ignore[call-overload]
    if "status" in said:
        yield Message("status", str(said["status"]))
    if "log" in said:
        yield Message("log", str(said["log"]))
