"""What `kaon doctor` looks at: the machine, the Prefect server and the store."""

from .finding import Finding, ok, trouble, warning

__all__ = ["Finding", "ok", "trouble", "warning"]
