"""HTML by small functions: whatever is text is escaped, whatever is markup says so by its type."""

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *content: object, **attributes: object) -> Markup:
    """Return an element; an underscore at the end of an attribute's name is left out, one within it is a hyphen.

    >>> tag("p", "a < b", tag("b", 1), class_="note")
    '<p class="note">a &lt; b<b>1</b></p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{joined(content)}</{name}>")


def joined(parts: Iterable[object]) -> Markup:
    """Return the parts one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(str(part)) for part in parts))


def section(title: str, *content: object) -> Markup:
    """Return a part of the page that can be linked to."""
    anchor = "-".join("".join(sign if sign.isalnum() else " " for sign in title.lower()).split())
    return tag("section", tag("h2", title), *content, id=anchor)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, text_columns: int = 1) -> Markup:
    """Return a table that scrolls within itself where it is too wide; all but the first columns are numbers."""

    def cell(name: str, place: int, value: object) -> Markup:
        return tag(name, value, class_="text" if place < text_columns else "number")

    head = tag("tr", *(cell("th", place, name) for place, name in enumerate(header)))
    body = [tag("tr", *(cell("td", place, value) for place, value in enumerate(row))) for row in rows]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body)), class_="scroll")


def number(value: float, digits: int = 4) -> str:
    """Return a number as people write it: 12,345 or 0.1234, a dash for one that is none."""
    if value != value:
        return "–"
    if float(value).is_integer() and abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.{digits}f}"
