"""The `:name` parameters of a query: found where they stand as such, and written as an engine wants them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

LITERAL = r"'(?:[^']|'')*'"
SPARK_LITERAL = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
NO_PARAMETER = r'"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|::'
PARAMETER = r"(?<![:\w\])]):(?P<name>[A-Za-z_]\w*)"


@dataclass(frozen=True, slots=True)
class Piece:
    """A parameter of a query, or the text between two."""

    text: str
    name: str = ""
    """The parameter's name; empty for text."""


def pieces_of(query: str, *, escapes: bool = False) -> tuple[Piece, ...]:
    """Return the query in pieces. What stands in literals, quoted names and comments is text, as `::type` is.

    escapes: whether a backslash escapes the next character of a literal, as in Spark's.

    >>> [piece.name for piece in pieces_of("select ':no' from t where at > :since -- :no") if piece.name]
    ['since']
    """
    token = re.compile(f"{SPARK_LITERAL if escapes else LITERAL}|{NO_PARAMETER}|{PARAMETER}", re.DOTALL)
    pieces, end = [], 0
    for match in token.finditer(query):
        if match["name"]:
            pieces += [Piece(query[end : match.start()]), Piece(match[0], match["name"])]
            end = match.end()
    return (*pieces, Piece(query[end:]))


def names_in(pieces: tuple[Piece, ...]) -> tuple[str, ...]:
    """Return the names of the parameters, each once, in their order."""
    return tuple(dict.fromkeys(piece.name for piece in pieces if piece.name))


def written(pieces: tuple[Piece, ...], parameter: Callable[[str], str], text: Callable[[str], str] = str) -> str:
    """Return the query with every parameter, and the text between them, as an engine wants them."""
    return "".join(parameter(piece.name) if piece.name else text(piece.text) for piece in pieces)
