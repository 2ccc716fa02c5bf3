"""What was published and what serves: listed, promoted, rolled back, stopped. Commands and pages both use it."""

from .container import NotReady
from .engine import EngineError
from .golden import Skew
from .history import Event, events
from .promotion import NotPromoted, Promoted, promote, rollback, stop
from .publication import Publication, publication, publications
from .served import ServesElsewhere, Serving, serving

__all__ = [
    "EngineError",
    "Event",
    "NotPromoted",
    "NotReady",
    "Promoted",
    "Publication",
    "ServesElsewhere",
    "Serving",
    "Skew",
    "events",
    "promote",
    "publication",
    "publications",
    "rollback",
    "serving",
    "stop",
]
