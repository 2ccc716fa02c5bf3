"""Requests made up from the server's own schema, valid and not: none is answered with a 5xx.

`python -m tests.benchmarks serving` asks ten thousand.
"""

import pytest
from tests.deploy.fuzzing import fuzz, operations, schema_of

from kaon.deploy.serving.app import create_app
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.watching import Current

OF_EACH = 60


@pytest.mark.parametrize("label", ["POST /recommend", "POST /rank", "GET /similar/{item}"])
def test_no_request_is_answered_with_an_error_of_the_server_and_every_answer_fits_the_schema(
    recommender, workers, label
):
    schema = schema_of(create_app(Current(recommender), ServerMetrics(), workers))
    operation = next(one for one in operations(schema) if one.label == label)

    assert fuzz(operation, examples=OF_EACH) >= OF_EACH // 2


def test_every_operation_is_in_the_schema(recommender, workers):
    schema = schema_of(create_app(Current(recommender), ServerMetrics(), workers))

    assert {one.label for one in operations(schema)} == {
        "POST /recommend",
        "POST /rank",
        "GET /similar/{item}",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /model",
    }
