"""Text for people: plain, Markdown or HTML."""

from __future__ import annotations

from typing import BinaryIO

from ..json_form import Json
from .annotations import is_anything, refused, unreadable


class Text(str):
    """Plain text, kept as a document of its own."""

    __slots__ = ()


class Markdown(Text):
    """Text in Markdown."""

    __slots__ = ()


class Html(Text):
    """A page or a fragment of HTML."""

    __slots__ = ()


class TextKind:
    """Text, Markdown and Html in UTF-8. Which of them it is, the annotation says; a plain `str` is a json value."""

    name = "text"

    def accepts(self, annotation: object) -> bool:
        return isinstance(annotation, type) and issubclass(annotation, Text)

    def dump(self, value: str, to: BinaryIO) -> None:
        if not isinstance(value, str):
            raise refused(value, self.name, "Text, Markdown, Html and str")
        try:
            to.write(value.encode())
        except UnicodeEncodeError:
            raise refused(value, self.name, "what UTF-8 can say; this holds a lone surrogate") from None

    def load(self, source: BinaryIO, wanted: object) -> str:
        text = source.read().decode()
        if is_anything(wanted):
            return Text(text)
        if isinstance(wanted, type) and issubclass(wanted, str):
            return wanted(text)
        raise unreadable(self.name, wanted, "Text, Markdown, Html and str")

    def summary(self, value: str) -> dict[str, Json]:
        return {
            "format": type(value).__name__.lower() if isinstance(value, Text) else "text",
            "characters": len(value),
            "lines": len(value.splitlines()),
        }
