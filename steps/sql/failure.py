"""A query that fails names its own line."""

import re

LINE = re.compile(r"\bline:? (\d+)\b", re.IGNORECASE)
NEAR = re.compile(r"""(?:near|column|table or view|name|relation|table)[: ]+[`"'](\w[\w.]*)[`"']""", re.IGNORECASE)


class QueryFailed(Exception):
    """An engine refused a query or failed at it: which query, at which of its lines, why, and the mend."""

    def __init__(self, name: str, engine: str, query: str, why: str, fix: str = "") -> None:
        line = line_of(query, why)
        lines = query.splitlines() or [""]
        shown = f"{line:>5} | {lines[line - 1]}"
        told = next((text.strip() for text in why.splitlines() if text.strip()), why)
        super().__init__(
            f"{engine} cannot run the query of {name}\n\n{shown}\n\n"
            f"  why: {told}\n  fix: {fix or f'mend line {line} of the query'}"
        )


def line_of(query: str, why: str) -> int:
    """Return the line of a query that an engine's message is about: as it says, else where what it names stands.

    >>> line_of("SELECT a\\nFROM t", "Parser Error\\n\\nLINE 2: FROM t")
    2
    >>> line_of("SELECT a\\nFORM t", 'near "FORM": syntax error')
    2
    """
    count = max(len(query.splitlines()), 1)
    if (said := LINE.search(why)) and 1 <= int(said[1]) <= count:
        return int(said[1])
    for named in NEAR.findall(why):
        word = re.escape(named.rpartition(".")[2])
        for number, text in enumerate(query.splitlines(), 1):
            if re.search(rf"\b{word}\b", text, re.IGNORECASE):
                return number
    return next((n for n, text in enumerate(query.splitlines(), 1) if text.strip()), 1)
