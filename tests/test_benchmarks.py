"""What `make bench` measures runs at its smallest size, so that the benchmarks stay alive between two looks at them."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
from tests.benchmarks.measured import (
    by_hand_seconds,
    chain_seconds,
    chained,
    flat_plan,
    mixed_plan,
    plan_seconds,
    train_markets,
    wait_markets,
    wide_plan,
)
from tests.benchmarks.sweeps import CONTENDERS, Contender, row, swept

from kaon.dsl.backends.prefect.run import serving


def test_a_loop_is_measured_from_the_step_before_it_to_its_join():
    assert train_markets(2, users=30, backend="local") > 0
    assert wait_markets(2, seconds=0.05, backend="local") >= 0.1


@pytest.mark.parametrize("build", [flat_plan, wide_plan, mixed_plan])
def test_a_plan_is_measured(build):
    assert plan_seconds(build, 200) > 0


@pytest.mark.prefect
def test_a_sequence_is_measured_on_every_backend_and_on_prefect_by_hand(tmp_path, kaon_home):
    local = chain_seconds(chained(3), folder=tmp_path / "local", backend="local")
    with serving():
        on_prefect = chain_seconds(chained(3), folder=tmp_path / "prefect", backend="prefect")
        by_hand = by_hand_seconds(3, folder=tmp_path / "by_hand")

    assert all(0 < chain.each < chain.whole for chain in (local, on_prefect, by_hand))


@pytest.mark.prefect
@pytest.mark.parametrize("contender", {one.script: one for one in CONTENDERS}.values(), ids=lambda one: one.script)
def test_a_sweep_is_measured_and_none_of_its_points_is_lost(contender: Contender):
    if find_spec(contender.package) is None:
        pytest.skip(f"{contender.package} is not installed: pip install -e '.[bench]'")
    found = swept(replace(contender, points=4))

    assert found.kept == (4 if contender.keeps else 0)
    assert found.rate > 0
    assert found.memory > 0
    assert row(found)[6] in ("0", "keeps none")
