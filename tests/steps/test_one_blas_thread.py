"""One BLAS thread for as long as anybody asks for it."""

import numpy  # noqa: F401 - loads a BLAS
from threadpoolctl import threadpool_info, threadpool_limits

from kaon.steps.one_blas_thread import one_blas_thread


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blocks_that_overlap_compute_on_one_thread_until_the_last_has_ended():
    first, second = one_blas_thread(), one_blas_thread()
    with threadpool_limits(2, user_api="blas"):
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        under_the_second = threads()
        second.__exit__(None, None, None)
        afterwards = threads()

    assert under_the_second == {1}
    assert afterwards == {2}
