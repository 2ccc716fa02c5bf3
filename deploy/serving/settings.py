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


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings of KAON_BUNDLE, KAON_HOST, KAON_PORT, KAON_LOOK_EVERY and KAON_DRAIN. Raises BadSetting."""
    usual = Settings()
    port = _number(environment, "KAON_PORT", usual.port, 1, 65_535)
    if port != int(port):
        raise BadSetting(f"KAON_PORT is {environment['KAON_PORT']!r}, and a port is a whole number: KAON_PORT=8000")
    return Settings(
        bundle=Path(environment.get("KAON_BUNDLE") or usual.bundle),
        host=environment.get("KAON_HOST") or usual.host,
        port=int(port),
        look_every=_number(environment, "KAON_LOOK_EVERY", usual.look_every, 0.05, 3600),
        drain=_number(environment, "KAON_DRAIN", usual.drain, 0, 3600),
    )


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
