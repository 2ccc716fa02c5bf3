"""The benchmark of the server, at a size that takes seconds."""

import shutil

import pytest
from tests.benchmarks.serving import Sizes, table


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk asks as fast as it is answered; it is not installed")
def test_the_server_is_measured_under_load_through_swaps_and_by_made_up_requests(bundles):
    shown = table({"small": bundles[0]}, Sizes(requests=60, swaps=1, seconds=1, fuzzed=50))

    cells = {str(column.header): next(iter(column.cells)) for column in shown.columns}
    assert cells["titles"] == "120"
    assert cells["failed"] == "0 of 60"
    assert cells["failed then"].startswith("0 of ")
    assert [cells[name].split()[1] for name in ("p50 at 100/s", "p99", "p99 in swaps", "retrieval")] == ["ms"] * 4
    assert float(cells["most"].removesuffix("/s")) > 0
    assert cells["made-up requests"].endswith(" without a 5xx")
