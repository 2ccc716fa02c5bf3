"""The process of one interval of a backfill: `python -m kaon.cli.interval_run`, with the order on its input as JSON.

Its last line of output is JSON: {"run": 7, "state": "completed", "reason": ""}, without a run if none could begin.
"""

import json
import signal
import sys
from collections.abc import Mapping
from typing import Any

LAST_LINE = "kaon interval: "
"""What the line with the outcome begins with."""


def main() -> None:
    """Run the interval that is ordered on the input, and tell what it came to."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    order = json.loads(sys.stdin.read())
    try:
        outcome = _run(order)
    except KeyboardInterrupt:
        outcome = {"run": None, "state": "cancelled", "reason": "interrupted"}
    except Exception as error:
        outcome = {"run": None, "state": "failed", "reason": f"{type(error).__name__}: {error}"}
    print(f"\n{LAST_LINE}{json.dumps(outcome)}", flush=True)


def _run(order: Mapping[str, Any]) -> dict[str, object]:
    from kaon.artifacts import open_store
    from kaon.dsl import backends

    from .flow_names import find_workflow

    store = open_store()
    tracker = backends.MlflowView(store) if order["mlflow"] else None
    result = backends.run(
        find_workflow(order["flow"]),
        order["settings"],
        backend=order["backend"],
        store=store,
        tags=order["tags"],
        raises=False,
        tracker=tracker,
    )
    return {"run": result.run_id, "state": result.state, "reason": result.reason}


if __name__ == "__main__":
    main()
