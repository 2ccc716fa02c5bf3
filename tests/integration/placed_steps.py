"""Workflows whose steps run in containers and commands, some long enough to be stopped; and a script that runs one.

placed_steps.py NAME STORE: run the workflow NAME.
"""

import os
import sys
from collections.abc import Mapping

from kaon import Docker, docker_step, for_each, open_store, run, shell_step, step, workflow
from kaon.artifacts import File

IMAGE = os.environ.get("KAON_TEST_BASE_IMAGE", "python:3.11-slim")


@step(output="slept", place=Docker(image=IMAGE))
def sleep_in_python() -> int:
    import time

    print("sleeping", flush=True)
    time.sleep(600)
    return 1


sleep_in_container = docker_step(
    image=IMAGE,
    command="trap '' TERM; echo sleeping; sleep 600; {slept}",
    shell=True,
    outputs={"slept": File},
    name="doze",
)
sleep_in_many = docker_step(
    image=IMAGE,
    command="echo {item} sleeps; sleep 600; {slept}",
    shell=True,
    inputs={"item": int},
    outputs={"slept": File},
    network="none",
    name="doze",
)
sleep_here = shell_step(
    "trap '' TERM; echo sleeping; sleep 4321 & sleep 4321; {slept}", shell=True, outputs={"slept": File}, name="doze"
)
square = docker_step(
    image=IMAGE,
    command="item={item}; echo $((item * item)) > {squared}",
    shell=True,
    inputs={"item": int},
    outputs={"squared": int},
    network="none",
    name="square",
)


@step(output="total")
def add(squared: Mapping[int, int]) -> int:
    return sum(squared.values())


WORKFLOWS = {
    "python": workflow("python", [sleep_in_python]),
    "container": workflow("container", [sleep_in_container]),
    "command": workflow("command", [sleep_here]),
    "many": workflow("many", [for_each(item=list(range(120))).do(sleep_in_many)]),
    "wide": workflow("wide", for_each(item=list(range(12))).do(square) >> add),
}

if __name__ == "__main__":
    run(WORKFLOWS[sys.argv[1]], store=open_store(sys.argv[2]))
