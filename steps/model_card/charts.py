"""Charts of a page that needs nothing but itself: intervals and bars in CSS, which fit every width; points in SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from .markup import Markup, number, tag

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 250, 46, 16, 12, 40
TICKS = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its interval."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""
    main: bool = False
    """Whether the card is about this one."""


def intervals(rows: Sequence[Measured]) -> Markup:
    """Return a line for each value: a bar from zero to it, its interval on top, and the numbers beside it."""
    most = max([row.high for row in rows] + [row.value for row in rows] + [1e-9])

    def share(value: float) -> str:
        return f"{100 * max(0.0, value) / most:.2f}%"

    lines = []
    for row in rows:
        told = f"{number(row.value)} [{number(row.low)}, {number(row.high)}]"
        track = tag(
            "span",
            tag("i", class_="bar", style=f"width:{share(row.value)}"),
            tag("i", class_="whisker", style=f"left:{share(row.low)};width:{share(row.high - max(0.0, row.low))}"),
            class_="track",
            role="img",
            aria_label=f"{row.label}: {told}",
        )
        label = tag("span", row.label, *([tag("small", row.note)] if row.note else []), class_="label")
        value = tag("span", tag("b", number(row.value)), tag("small", f"{number(row.low)} – {number(row.high)}"))
        lines.append(tag("div", label, track, value, class_="line main" if row.main else "line"))
    return tag("div", *lines, class_="intervals")


def bars(rows: Sequence[tuple[str, float]]) -> Markup:
    """Return a bar for each share, the numbers as per cent."""
    most = max([value for _, value in rows] + [1e-9])
    lines = [
        tag(
            "div",
            tag("span", label, class_="label"),
            tag("span", tag("i", class_="bar", style=f"width:{100 * value / most:.2f}%"), class_="track"),
            tag("span", tag("b", f"{100 * value:.1f} %")),
            class_="line",
        )
        for label, value in rows
    ]
    return tag("div", *lines, class_="intervals")


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a chart."""

    x: float
    y: float
    group: str
    label: str
    """What stands beside it; the group's name is in the legend."""


def dots(points: Sequence[Dot], across: str, up: str, groups: Sequence[str]) -> Markup:
    """Return points between two axes that begin where the points do, with a legend of the groups that occur.

    A label stands where it covers no point and no other label; where there is no such place it is left to the tooltip.
    """
    x, y = _axis([point.x for point in points]), _axis([point.y for point in points])
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    drawn = []
    for step in range(TICKS):
        part = step / (TICKS - 1)
        left, top = LEFT + part * (right - LEFT), bottom - part * (bottom - TOP)
        drawn += [
            tag("line", x1=LEFT, x2=right, y1=f"{top:.1f}", y2=f"{top:.1f}", class_="grid"),
            tag("text", f"{y[0] + part * (y[1] - y[0]):.3f}", x=LEFT - 6, y=f"{top + 3:.1f}", class_="tick end"),
            tag("text", f"{x[0] + part * (x[1] - x[0]):.2f}", x=f"{left:.1f}", y=bottom + 15, class_="tick middle"),
        ]
    places = [
        (
            LEFT + (point.x - x[0]) / (x[1] - x[0]) * (right - LEFT),
            bottom - (point.y - y[0]) / (y[1] - y[0]) * (bottom - TOP),
        )
        for point in points
    ]
    for point, (left, top) in zip(points, places, strict=True):
        title = tag("title", f"{point.group} {point.label}: {up} {number(point.y)}, {across} {number(point.x, 3)}")
        drawn.append(tag("circle", title, cx=f"{left:.1f}", cy=f"{top:.1f}", r=4.5, class_=_group(point.group, groups)))
    drawn += _labels(points, places)
    drawn.append(tag("text", across, x=(LEFT + right) / 2, y=HEIGHT - 6, class_="title middle"))
    drawn.append(tag("text", up, x=LEFT, y=0, class_="title"))
    picture = tag(
        "svg", *drawn, viewBox=f"0 -10 {WIDTH} {HEIGHT + 10}", role="img", aria_label=f"{up} against {across}"
    )
    met = [group for group in groups if any(point.group == group for point in points)]
    legend = tag("figcaption", *(tag("span", group, class_=_group(group, groups)) for group in met))
    return tag("figure", picture, legend)


def _group(group: str, groups: Sequence[str]) -> str:
    return f"group{groups.index(group)}"


def _labels(points: Sequence[Dot], places: Sequence[tuple[float, float]]) -> list[Markup]:
    """Return the labels that find room, each above, below, right or left of its point."""
    taken = [(left - 5, top - 5, left + 5, top + 5) for left, top in places]
    drawn = []
    for point, (left, top) in zip(points, places, strict=True):
        width = 5.5 * len(point.label)
        for corner in ((-width / 2, -17.0), (-width / 2, 7.0), (8.0, -5.0), (-8.0 - width, -5.0)):
            box = (left + corner[0], top + corner[1], left + corner[0] + width, top + corner[1] + 10)
            if point.label and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                drawn.append(tag("text", point.label, x=f"{box[0]:.1f}", y=f"{box[3] - 1:.1f}", class_="name"))
                break
    return drawn


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Return where an axis begins and ends: the values, and some air."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    air = 0.08 * (high - low) or 0.5 * abs(high) or 1.0
    return low - air, high + air
