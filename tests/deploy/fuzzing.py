"""Requests made up from a server's own schema, valid and not, and what must hold of every answer."""

from collections.abc import Iterator

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
"""No 5xx, and every status, content type and body as the schema says."""


def schema_of(app: FastAPI) -> BaseSchema:
    """Return the schema that the application gives of itself."""
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def operations(schema: BaseSchema) -> Iterator[APIOperation]:
    """Yield everything that can be asked."""
    for found in schema.get_all_operations():
        yield found.ok()


def fuzz(operation: APIOperation, *, examples: int) -> int:
    """Ask that many requests of an operation, half of them against its schema, and return how many were asked.

    Raises what schemathesis raises on the first answer that is not as CHECKS want it.
    """
    asked = 0
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=max(1, examples // 2),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=CHECKS)

        ask()
    return asked
