"""A tally drawn: a bar in the colours of the states, the numbers behind it, on one line or two."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from .printed import STATE_STYLES
from .tally import ENDED, Tally

BAR = 24
SHORTEST_BAR = 8


@dataclass(frozen=True, slots=True)
class TallyLine:
    """A title and its tally: on one line where there is room, else on two."""

    title: Text
    tally: Tally

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        counted = Text(", ").join(
            Text(f"{n:,} {state}", STATE_STYLES.get(state, "dim")) for state, n in self.tally.states()
        )
        speed = Text(f"{self.tally.share:4.0%}  {'  '.join(self.tally.speed())}", "dim")
        beside = options.max_width - self.title.cell_len - speed.cell_len - 2
        whole = beside - counted.cell_len - 2
        if whole >= SHORTEST_BAR:
            bar = drawn(self.tally, min(whole, BAR))
            yield Text.assemble(self.title, " ", bar, " ", speed, "  ", counted)
        else:
            yield Text.assemble(self.title, " ", drawn(self.tally, min(max(beside, SHORTEST_BAR), BAR)), " ", speed)
            yield Text.assemble("  ", counted)


def drawn(tally: Tally, width: int) -> Text:
    """Return a bar of that many characters, in which every state that ends an item has its share."""
    bar = Text()
    total = max(tally.total, 1)
    seen = 0
    for state in ENDED:
        before, seen = seen, seen + tally.counts.get(state, 0)
        bar.append("━" * (seen * width // total - before * width // total), STATE_STYLES[state])
    bar.append("─" * (width - len(bar)), "dim")
    return bar
