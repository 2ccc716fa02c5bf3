"""Continue watching: what a user may resume, how likely the session goes on with it, and where the row stands."""

from .history import History
from .resumable import CANDIDATE, SESSION, Resumable, resumable
from .sessions import BadSessions, Sessions, sessions

__all__ = ["CANDIDATE", "SESSION", "BadSessions", "History", "Resumable", "Sessions", "resumable", "sessions"]
