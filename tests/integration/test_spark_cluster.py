"""ALS on a standalone cluster of two workers: processes of their own, as on several machines."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.integration.spark_cluster import standalone_cluster

from kaon.steps.datasets import load
from kaon.steps.interactions import in_market
from kaon.steps.train_als import train_als

SCRIPT = Path(__file__).with_name("als_on_spark.py")


@pytest.mark.spark
def test_a_cluster_of_two_workers_gives_the_model_that_one_process_gives(tmp_path):
    with standalone_cluster(tmp_path, workers=2) as master:
        environment = {**os.environ, "KAON_SPARK_MASTER": master, "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [sys.executable, str(SCRIPT), str(tmp_path / "als.npz")]
        workers = subprocess.run(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    on_cluster = np.load(tmp_path / "als.npz")

    here = train_als(in_market(load("xmrec"), "s3"), engine="spark", rank=16, iterations=6, blocks=2, seed=3)

    assert workers.stdout.strip() == "2"
    assert np.abs(here.user_factors - on_cluster["users"]).max() < 1e-5
    assert np.abs(here.item_factors - on_cluster["items"]).max() < 1e-5
