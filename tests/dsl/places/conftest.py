"""A pool of two workers for the tests of a file, which must leave nothing behind."""

from collections.abc import Iterator

import pytest
from tests.dsl.places.tasks import gone, setup

from kaon.dsl.places.pool import Pool


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(setup, size=2) as made:
        yield made
        zygote = made.zygote_pid
    assert zygote is None or gone(zygote)
