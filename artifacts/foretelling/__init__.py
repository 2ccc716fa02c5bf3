"""What a run would do, told before it runs: which steps it would make, and which it would find in the store."""

from .foretold import Foretold, Tally, foretell

__all__ = ["Foretold", "Tally", "foretell"]
