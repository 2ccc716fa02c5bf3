"""What the server reads from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class BadSetting(ValueError):
    """A variable of the environment cannot be used; the message says which, why, and what to write."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server is run."""

    bundle: Path = Path("/bundle")
    """A bundle, a folder of versions of which the newest is served, or a link to either, which may be switched."""
    host: str = "127.0.0.1"
    port: int = 8000
    look_every: float = 1.0
    """Seconds between two looks at whether there is another bundle."""
    drain: float = 0.0
    """Seconds for which requests are still taken after SIGTERM, while /readyz already says no."""
    most_waiting: int = 256
    """Answers that are computed or wait for it at once; more are refused with 503."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings of KAON_BUNDLE, KAON_HOST, KAON_PORT and the rest. Raises BadSetting."""
    usual = Settings()
    return Settings(
        bundle=Path(environment.get("KAON_BUNDLE") or usual.bundle),
        host=environment.get("KAON_HOST") or usual.host,
        port=_whole(environment, "KAON_PORT", usual.port, 1, 65_535),
        look_every=_number(environment, "KAON_LOOK_EVERY", usual.look_every, 0.05, 3600),
        drain=_number(environment, "KAON_DRAIN", usual.drain, 0, 3600),
        most_waiting=_whole(environment, "KAON_MOST_WAITING", usual.most_waiting, 1, 100_000),
    )


def _whole(environment: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    number = _number(environment, name, usual, least, most)
    if number != int(number):
        raise BadSetting(f"{name} is {environment[name]!r}, and must be a whole number: write {name}={usual}")
    return int(number)


def _number(environment: Mapping[str, str], name: str, usual: float, least: float, most: float) -> float:
    told = environment.get(name, "").strip()
    if not told:
        return usual
    try:
        number = float(told)
    except ValueError:
        raise BadSetting(f"{name} is {told!r}, which is no number: write {name}={usual:g}") from None
    if not least <= number <= most:
        raise BadSetting(f"{name} is {told}, and must be from {least:g} to {most:g}: write {name}={usual:g}")
    return number
