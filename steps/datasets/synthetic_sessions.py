"""Viewers of a made-up world at their screens: session after session, each for all viewers at once.

A session resumes a title that was begun and not finished, or begins a new one of those that are shown. Which, is a
multinomial logit: liking a title draws a viewer back to it, and so do its progress and having watched it lately, at
this hour and on this device; curiosity draws away.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from .synthetic_world import GENRES, Floats, Ints, Titles, Viewers

SHOWN = 6
"""New titles that are shown in a session."""
REMEMBERED = 8
"""Unfinished titles that a viewer keeps in mind."""
FINISHED = 0.05
"""A title is finished when less than this of its last episode is left: the credits."""
DAY = 24 * 60
MINUTES_WATCHED = np.array([70.0, 24.0, 40.0, 48.0])
"""In a session on each device, the median."""


@dataclass(frozen=True, slots=True)
class Plays:
    """One row a session, in no order."""

    viewer: Ints
    title: Ints
    begun_at: Floats
    """Minutes since the first midnight, which begins a Monday."""
    device: Ints
    episode: Ints
    """That was reached, from 1."""
    fraction: Floats
    """Of that episode that was watched at the end, in (0, 1]."""
    shown: Ints
    """New titles that were shown, in their order, shape (sessions, SHOWN)."""


@dataclass(slots=True)
class Memory:
    """What each viewer has begun and not finished, shape (viewers, REMEMBERED), and what each has seen."""

    title: Ints
    """-1 where there is none."""
    position: Floats
    """Episodes watched, such as 2.4."""
    keen: Floats
    """How much the viewer wants to go on; nobody can see it."""
    left_at: Floats
    device: Ints
    plays: Ints
    until: Floats
    """End of each viewer's last session, shape (viewers,)."""
    on: Ints
    """Device of each viewer's last session."""
    sessions: Ints
    """That each viewer has had."""
    seen: npt.NDArray[np.uint8]
    """A bit for each viewer and title."""


def watch(titles: Titles, viewers: Viewers, random: np.random.Generator) -> Plays:
    """Return as many sessions of every viewer as it is to have."""
    parts = list(_rounds(titles, viewers, random))
    return Plays(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Plays)))


@dataclass(frozen=True, slots=True)
class Round:
    """The next session of every viewer who has one."""

    viewer: Ints
    now: Floats
    device: Ints
    shown: Ints
    """Shape (sessions, SHOWN)."""
    liked: Floats
    """How much each viewer would like what is shown, shape (sessions, SHOWN)."""


def _rounds(titles: Titles, viewers: Viewers, random: np.random.Generator) -> Iterator[Plays]:
    memory = _blank(len(viewers.country), len(titles.episodes), viewers)
    programme = Programme.of(titles)
    while len(active := np.flatnonzero(memory.sessions < viewers.sessions)):
        now, device = _sit_down(viewers, memory, active, random)
        shown = programme.shown(viewers, active, random)
        liked = np.einsum("vd,vsd->vs", viewers.vectors[active], titles.vectors[shown])
        sessions = Round(active, now, device, shown, liked)
        resumed = _resumed(titles, viewers, memory, sessions, random)
        yield _play(titles, memory, sessions, resumed, random)


@dataclass(frozen=True, slots=True)
class Programme:
    """From what the titles that are shown are drawn: those of the country, and those of a genre in the country."""

    cumulated: Floats
    """Shares of the titles of one pool after the other; pool p goes from p to p + 1."""
    titles: Ints

    @classmethod
    def of(cls, titles: Titles) -> "Programme":
        """Return the pools: of each country a pool of all titles, then one of each genre."""
        cumulated, tickets = [], []
        for country, appeal in enumerate(titles.appeal):
            for genre in range(-1, len(GENRES)):
                pool = np.flatnonzero((titles.genres == genre).any(1)) if genre >= 0 else np.arange(len(appeal))
                pool = pool if len(pool) else np.arange(len(appeal))
                shares = appeal[pool].cumsum()
                cumulated.append(shares / shares[-1] + country * (len(GENRES) + 1) + genre + 1)
                tickets.append(pool)
        return cls(np.concatenate(cumulated), np.concatenate(tickets))

    def shown(self, viewers: Viewers, active: Ints, random: np.random.Generator) -> Ints:
        """Return new titles for each viewer, shape (viewers, SHOWN): half of them popular, half of a liked genre."""
        size = (len(active), SHOWN)
        genre = (random.random(size)[:, :, None] > viewers.tastes[active][:, None, :-1]).sum(2)
        pool = viewers.country[active][:, None] * (len(GENRES) + 1)
        pool = pool + np.where(random.random(size) < 0.3, 0, genre + 1)
        drawn = np.searchsorted(self.cumulated, pool + random.random(size), side="right")
        return self.titles[np.minimum(drawn, len(self.titles) - 1)]


def _blank(count: int, title_count: int, viewers: Viewers) -> Memory:
    shape = (count, REMEMBERED)
    return Memory(
        title=np.full(shape, -1),
        position=np.zeros(shape),
        keen=np.zeros(shape),
        left_at=np.zeros(shape),
        device=np.zeros(shape, np.int64),
        plays=np.zeros(shape, np.int64),
        until=viewers.first_day * DAY,
        on=np.zeros(count, np.int64),
        sessions=np.zeros(count, np.int64),
        seen=np.zeros((count, title_count // 8 + 1), np.uint8),
    )


def _sit_down(viewers: Viewers, memory: Memory, active: Ints, random: np.random.Generator) -> tuple[Floats, Ints]:
    """Return when each viewer's next session begins, and on which device."""
    count, until = len(active), memory.until[active]
    goes_on = (random.random(count) < viewers.binge[active]) & (memory.sessions[active] > 0)
    days = np.round(random.exponential(np.maximum(viewers.days_between[active] - 0.5, 0.3)))
    hour = viewers.hour[active] + random.normal(0, 2.2, count)
    later = (np.floor(until / DAY) + days) * DAY + hour % 24 * 60
    later += np.where(later <= until + 5, DAY, 0)
    now = np.where(goes_on, until + random.exponential(15, count) + 1, later)
    evening = np.exp(-(((now / 60 % 24 - 20.5) / 3) ** 2))
    odds = viewers.devices[active] + evening[:, None] * np.array([1.5, -0.6, 0.2, -0.4])
    device = (odds + random.gumbel(size=odds.shape)).argmax(1)
    return now, np.where(goes_on, memory.on[active], device)


def _resumed(titles: Titles, viewers: Viewers, memory: Memory, sessions: Round, random: np.random.Generator) -> Ints:
    """Return the place in memory of the title that each viewer resumes, -1 where a new one is begun."""
    viewer, now = sessions.viewer, sessions.now
    began, left_at = memory.title[viewer], memory.left_at[viewer]  # (sessions, REMEMBERED)
    within = memory.position[viewer] % 1
    away = now[:, None] - left_at
    draw = 1.1 * memory.keen[viewer] - 0.2
    draw += np.where(titles.episodes[began] > 1, 0.6, np.where((within > 0.15) & (within < 0.9), 0.7, -0.9))
    draw -= 0.75 * np.log1p(away / DAY) / viewers.patience[viewer][:, None]
    draw += 0.9 * (memory.device[viewer] == sessions.device[:, None]) + 0.3 * np.log1p(memory.plays[viewer])
    draw += 0.8 * np.cos(2 * np.pi * away / DAY)
    draw = np.where(began >= 0, draw + random.gumbel(size=draw.shape), -np.inf)
    weekend = now // DAY % 7 >= 5
    novelty = 3.6 + viewers.curiosity[viewer] + 0.4 * weekend + 0.3 * sessions.liked.max(1)
    goes_on = draw.max(1) > novelty + random.gumbel(size=len(viewer))
    return np.where(goes_on, draw.argmax(1), -1)


def _begun(memory: Memory, sessions: Round, random: np.random.Generator) -> tuple[Ints, Floats]:
    """Return the title that each viewer would begin, unseen before seen, and how much the viewer likes it."""
    viewer, shown = sessions.viewer, sessions.shown
    seen = memory.seen[viewer[:, None], shown >> 3] >> (shown & 7) & 1
    attention = -0.15 * np.arange(SHOWN)
    first = (sessions.liked + attention + random.gumbel(size=shown.shape) - 50.0 * seen).argmax(1)
    rows = np.arange(len(viewer))
    return shown[rows, first], sessions.liked[rows, first]


def _play(titles: Titles, memory: Memory, sessions: Round, resumed: Ints, random: np.random.Generator) -> Plays:
    """Let every viewer watch the title, remember it, and return the sessions."""
    viewer, goes_on = sessions.viewer, resumed >= 0
    new, liked = _begun(memory, sessions, random)
    title = np.where(goes_on, memory.title[viewer, resumed], new)
    keen = np.where(goes_on, memory.keen[viewer, resumed], liked + random.normal(0, 0.8, len(viewer)))
    before = np.where(goes_on, memory.position[viewer, resumed], 0.0)
    bored = ~goes_on & (random.random(len(viewer)) < 1 / (1 + np.exp(1 + 1.6 * keen)))
    minutes = MINUTES_WATCHED[sessions.device] * random.lognormal(0, 0.6, len(viewer))
    minutes *= np.where(bored, random.uniform(0.03, 0.25, len(viewer)), 1.0)
    episodes = titles.episodes[title]
    position = np.minimum(before + np.maximum(minutes / titles.minutes[title], 0.01), episodes)
    free = np.where(memory.title[viewer] < 0, -np.inf, memory.left_at[viewer]).argmin(1)
    place = np.where(goes_on, resumed, free)
    until = sessions.now + minutes
    memory.plays[viewer, place] = np.where(goes_on, memory.plays[viewer, place], 0) + 1
    memory.title[viewer, place] = np.where(position > episodes - FINISHED, -1, title)
    memory.position[viewer, place] = position
    memory.keen[viewer, place] = keen
    memory.left_at[viewer, place] = until
    memory.device[viewer, place] = sessions.device
    memory.until[viewer], memory.on[viewer] = until, sessions.device
    memory.sessions[viewer] += 1
    memory.seen[viewer, title >> 3] |= (1 << (title & 7)).astype(np.uint8)
    episode = np.maximum(np.ceil(position), 1).astype(np.int64)
    return Plays(viewer, title, sessions.now, sessions.device, episode, position - (episode - 1), sessions.shown)
