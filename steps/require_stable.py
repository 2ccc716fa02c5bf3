"""The gate between training and publishing: without a stable attempt the run ends here, and says why."""

from kaon.dsl import step

from .stability_report import StabilityReport


class NeverStable(Exception):
    """No attempt was stable, so nothing is published."""


@step
def require_stable(stable: bool, stability_report: StabilityReport) -> None:
    """Return if the last attempt was stable.

    Raises NeverStable, with what did not hold, if it was not: after a repetition that is exhausted, none was.
    """
    if not stable:
        broken = {check.setting: None for check in stability_report.checks if not check.holds}
        raise NeverStable(
            f"none of {stability_report.attempt} attempts was stable, so nothing is published; "
            f"the last one is {stability_report.reason}; {stability_report.champion}. "
            f"Take more users, or allow more: {', '.join(f'check_stability.{setting}' for setting in broken)}"
        )
