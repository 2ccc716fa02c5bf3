"""What `make bench` measures runs at its smallest size, so that the benchmarks stay alive between two looks at them."""

import pytest
from tests.benchmarks.measured import (
    bare_prefect_seconds,
    chain_seconds,
    chained,
    plan_seconds,
    train_markets,
    wait_markets,
)

from kaon.dsl.backends.prefect.run import serving


def test_a_loop_is_measured_from_the_step_before_it_to_its_join():
    assert train_markets(2, users=30, backend="local") > 0
    assert wait_markets(2, seconds=0.05, backend="local") >= 0.1


def test_a_plan_is_measured():
    assert plan_seconds(200) > 0


@pytest.mark.prefect
def test_a_sequence_is_measured_on_every_backend_and_on_bare_prefect(tmp_path, kaon_home):
    local = chain_seconds(chained(3), folder=tmp_path / "local", backend="local")
    with serving():
        on_prefect = chain_seconds(chained(3), folder=tmp_path / "prefect", backend="prefect")
        bare = bare_prefect_seconds(3, folder=tmp_path / "bare")

    assert all(0 < chain.each < chain.whole for chain in (local, on_prefect, bare))
