"""Whole lines from pieces of a stream."""

from collections.abc import Callable

LONGEST = 1 << 16
"""Bytes of a line; a longer one is told in parts."""


class Lines:
    """Tells the lines that the pieces of a stream make; of a line that is written over, what stands there last.

    >>> found = []
    >>> lines = Lines(found.append)
    >>> lines.add(b"one\\ntw")
    >>> lines.add(b"o\\n 10%\\r 20%")
    >>> lines.end()
    >>> found
    ['one', 'two', ' 20%']
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._rest = b""

    def add(self, piece: bytes) -> None:
        """Take in a piece."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LONGEST:
            self.end()

    def end(self) -> None:
        """Tell what is left."""
        self._line(self._rest)
        self._rest = b""

    def _line(self, raw: bytes) -> None:
        line = raw.decode(errors="replace").rstrip("\r").rpartition("\r")[2]
        if line.strip():
            self._tell(line)
