"""Golden files: what something printed when it was last looked at.

A test that prints something else fails. Look at the difference; if it is wanted, write the files anew and commit them:

    KAON_UPDATE_GOLDENS=1 python -m pytest tests/dsl tests/flows
"""

import os
from pathlib import Path

GOLDENS = Path(__file__).parent / "plans"


def assert_golden(name: str, printed: str) -> None:
    """Fail if a text is not what the golden file of that name holds."""
    path = GOLDENS / name
    if os.environ.get("KAON_UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(printed, encoding="utf-8")
    assert path.exists(), f"there is no golden file {path}; write it with KAON_UPDATE_GOLDENS=1"
    assert printed == path.read_text(encoding="utf-8")
