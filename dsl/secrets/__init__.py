"""Secrets: values that steps use and nothing keeps. A workflow, its plan and its records hold references alone."""

from .errors import MissingSecret, SecretKept
from .masking import masked, refuse_secrets
from .secret import Secret, secret

__all__ = ["MissingSecret", "Secret", "SecretKept", "masked", "refuse_secrets", "secret"]
