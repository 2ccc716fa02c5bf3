"""Kaon's own places keep the contract of places."""

import os

import pytest

from kaon import Docker, Process, SparkSubmit
from kaon.dsl.backends.testing import PlaceTests
from kaon.dsl.places.place import InProcess
from kaon.dsl.places.shell import Shell

IMAGE = os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim")


class TestInProcess(PlaceTests):
    place = InProcess()
    commands = False
    kills = False


class TestProcess(PlaceTests):
    place = Process()
    commands = False


class TestShell(PlaceTests):
    place = Shell(env={"LANG": "C.UTF-8"})


@pytest.mark.docker
class TestDocker(PlaceTests):
    place = Docker(image=IMAGE, cpus=1, memory="1GiB", env={"LANG": "C.UTF-8"}, network="none")


@pytest.mark.spark
class TestSparkSubmit(PlaceTests):
    place = SparkSubmit(master="local[1]", conf={"spark.driver.memory": "512m"})
    commands = False  # what it runs are applications of Spark: tests/integration/test_spark_submit.py
