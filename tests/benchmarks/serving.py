"""What the server of a published recommender reaches on this machine, load and server on the same cores.

python -m tests.benchmarks.serving [--requests N] [--swaps N] [--seconds N] [--fuzzed N] [--titles N] [--users N]
                                   [--bundle NAME=FOLDER …]

The bundle is the newest of KAON_HOME, or of a run of `recommendations` if there is none. The generated catalogue comes
from the same workflow on made-up interactions with 15,000 titles. A bundle that is given is measured instead of making
one: `--bundle bundled=…`, `--bundle generated=…`; with any given, no other is made.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from tests.benchmarks.observed import IMPORTED_FROM
from tests.benchmarks.open_loop import Body, Load, loaded
from tests.deploy.fuzzing import fuzz, operations, schema_of
from tests.deploy.live_server import LiveServer

from kaon.artifacts import kaon_home
from kaon.deploy.serving.app import create_app
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.recommender import load_recommender
from kaon.deploy.serving.watching import Current
from kaon.steps.bundle import newest_version

RATE = 100
SWAP_SECONDS = 60
"""Within which another bundle serves, on a busy machine too."""
WARMING = 500
"""Requests before those that are measured."""
EACH = 8
EXPLAINED = f"""\
Requests of POST /recommend for random known users, k 10, at {RATE} a second as a Poisson process; latency counts from
when a request was to be sent. Stages are means of the server's own histogram. Most: wrk asks as fast as it is answered,
on 8 connections. In swaps: the bundle is switched to another copy again and again meanwhile. Made-up requests come from
the server's schema, valid and not; each answer fits the schema, and none is a 5xx."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    requests: int = 6_000
    """Of each load: a minute of them."""
    swaps: int = 5
    seconds: int = 10
    """For which wrk asks."""
    fuzzed: int = 10_000
    titles: int = 15_000
    users: int = 30_000


USUAL = Sizes()


def table(catalogues: dict[str, Path], sizes: Sizes = USUAL) -> Table:
    """Return what is reached with each bundle."""
    load = ("titles", f"p50 at {RATE}/s", "p99", "failed", "p99 in swaps", "failed then")
    stages = ("retrieval", "ranking", "reranking", "most", "made-up requests")
    shown = Table("", *load, *stages, title="the server of a recommender", title_justify="left")
    for name, bundle in catalogues.items():
        shown.add_row(name, *_measured(bundle, sizes), f"{fuzzed(bundle, sizes.fuzzed):,} without a 5xx")
    return shown


def main(arguments: Sequence[str]) -> None:
    """Measure as the arguments say, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving")
    for field in fields(Sizes):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    parser.add_argument("--bundle", action="append", default=[], metavar="NAME=FOLDER")
    told = vars(parser.parse_args(arguments))
    given = {name: newest_version(Path(path)) for name, _, path in (one.partition("=") for one in told.pop("bundle"))}
    sizes = Sizes(**told)
    with tempfile.TemporaryDirectory() as folder:
        shown = table(given or catalogues(Path(folder), sizes), sizes)
    Console(width=170).print(shown, EXPLAINED, sep="\n")


def catalogues(folder: Path, sizes: Sizes = USUAL) -> dict[str, Path]:
    """Return the bundle of each catalogue; the folder takes those that have to be made."""
    home = kaon_home()
    bundles = home / "bundles" / "recommendations"
    if not bundles.is_dir():
        home = folder / "bundled"
        _run(home)
        bundles = home / "bundles" / "recommendations"
    data = folder / "generated.parquet"
    generated(sizes.titles, sizes.users, EACH).to_parquet(data)
    _run(folder / "generated", "select_users.dataset=files", f"select_users.folder={data}")
    made = folder / "generated" / "bundles" / "recommendations"
    return {"bundled": newest_version(bundles), "generated": newest_version(made)}


def generated(titles: int, users: int, each: int) -> pd.DataFrame:
    """Return made-up interactions: every user meets some titles, most of one of 50 groups, popular ones more often."""
    random = np.random.default_rng(0)
    rows = []
    popularity = 1 / np.arange(1, titles // 50 + 1) ** 0.8
    for _ in range(users):
        group = random.integers(50)
        own = group + 50 * random.choice(titles // 50, each, replace=False, p=popularity / popularity.sum())
        own[-1] = random.integers(titles)
        rows.append(own)
    met = np.concatenate(rows)
    who = np.repeat(np.arange(users), each)
    frame = pd.DataFrame({"user_id": who, "item_id": met, "market": np.where(who % 3 == 0, "s1", "s2"), "rating": 1.0})
    names = {"user_id": "u" + frame["user_id"].astype(str), "item_id": "i" + frame["item_id"].astype(str)}
    return frame.assign(**names).drop_duplicates(["user_id", "item_id"])


def fuzzed(bundle: Path, requests: int) -> int:
    """Return how many made-up requests were answered as the schema says, none with a 5xx; raises for the first one."""
    with ThreadPoolExecutor(1) as workers:
        app = create_app(Current(load_recommender(bundle)), ServerMetrics(), workers)
        asked = list(operations(schema_of(app)))
        posts = [one for one in asked if one.label.startswith("POST")]
        few = sum(fuzz(one, examples=max(1, min(200, requests // 50))) for one in asked if one not in posts)
        return few + sum(fuzz(one, examples=(requests - few) // len(posts) + 1) for one in posts)


def _measured(bundle: Path, sizes: Sizes) -> Iterator[str]:
    """Yield the cells of a row."""
    ids = json.loads((bundle / "ids.json").read_text())
    users = np.random.default_rng(1).choice(ids["user_ids"], sizes.requests)
    bodies: list[Body] = [{"user": str(user)} for user in users]
    yield f"{len(ids['item_ids']):,}"
    with _served(bundle) as (server, link):
        loaded(server.port, "/recommend", bodies[:WARMING], rate=RATE, seed=2)
        steady = loaded(server.port, "/recommend", bodies, rate=RATE)
        yield from _told(steady, 0.5, 0.99)
        stages = _stage_milliseconds(server)
        yield from _told(_during_swaps(server, link, bundle, bodies, sizes.swaps), 0.99)
        yield from (f"{stages[name]:.1f} ms" for name in ("retrieval", "ranking", "reranking"))
        yield f"{_most(server, bodies, sizes.seconds):.0f}/s"


def _told(load: Load, *shares: float) -> Iterator[str]:
    yield from (f"{load.quantile(share):.1f} ms" for share in shares)
    yield f"{load.failed} of {len(load.seconds):,}"


def _during_swaps(server: LiveServer, link: Path, bundle: Path, bodies: list[Body], swaps: int) -> Load:
    """Return what the load meets while the link is switched to another copy again and again: it goes on until then."""
    copies = [Path(shutil.copytree(bundle, link.with_name(f"copy-{number}"))) for number in range(swaps)]

    def switch() -> None:
        for number, copy in enumerate(copies):
            time.sleep(len(bodies) / RATE / (swaps + 1))
            new = link.with_name("new")
            new.symlink_to(copy)
            new.rename(link)
            _wait_for_swaps(server, 2 + number)

    with ThreadPoolExecutor(1) as switching:
        switched = switching.submit(switch)
        loads = [loaded(server.port, "/recommend", bodies, rate=RATE, seed=3)]
        while not switched.done():
            loads.append(loaded(server.port, "/recommend", bodies[:RATE], rate=RATE, seed=3 + len(loads)))
    switched.result()
    return Load(np.concatenate([one.seconds for one in loads]), sum(one.failed for one in loads))


def _wait_for_swaps(server: LiveServer, wanted: int) -> None:
    """Return as soon as so many bundles have begun to serve, the first one included."""
    ends = time.monotonic() + SWAP_SECONDS
    while (counted := _swaps(server)) < wanted:
        assert time.monotonic() < ends, f"{counted:.0f} of {wanted} bundles began to serve within {SWAP_SECONDS} s"
        time.sleep(0.5)


def _swaps(server: LiveServer) -> float:
    """Return how many bundles have begun to serve, the first one included."""
    counted = re.search(
        r'kaon_bundle_swaps_total\{outcome="swapped"\} ([0-9.]+)', str(server.ask("GET", "/metrics")[1])
    )
    assert counted is not None
    return float(counted[1])


def _stage_milliseconds(server: LiveServer) -> dict[str, float]:
    """Return the mean of each stage, as the server counted."""
    text = str(server.ask("GET", "/metrics")[1])
    sums = dict(re.findall(r'kaon_stage_seconds_sum\{stage="(\w+)"\} (\S+)', text))
    counts = dict(re.findall(r'kaon_stage_seconds_count\{stage="(\w+)"\} (\S+)', text))
    return {name: 1000 * float(sums[name]) / float(counts[name]) for name in sums}


def _most(server: LiveServer, bodies: list[Body], seconds: int) -> float:
    """Return the requests a second that wrk reaches; every user in turn."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        lines = ",".join(f"'{json.dumps(body)}'" for body in bodies[:1000])
        script.write(
            f"local bodies = {{{lines}}}\nlocal at = 0\nwrk.headers['content-type'] = 'application/json'\n"
            "request = function() at = at % #bodies + 1\n"
            "return wrk.format('POST', '/recommend', nil, bodies[at]) end\n"
        )
        script.flush()
        command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "-s", script.name, f"http://127.0.0.1:{server.port}"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert found is not None, said
    return float(found[1])


@contextmanager
def _served(bundle: Path) -> Iterator[tuple[LiveServer, Path]]:
    """Yield a server of the bundle and the link that it follows, while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "champion"
        link.symlink_to(bundle)
        server = LiveServer(link, Path(folder) / "log", {"KAON_LOOK_EVERY": "0.5"})
        try:
            server.wait()
            yield server, link
        finally:
            server.kill()


def _run(home: Path, *settings: str) -> None:
    """Train and publish a bundle in a home of its own."""
    command = [
        sys.executable,
        "-m",
        "kaon.cli",
        "run",
        "recommendations",
        "--no-mlflow",
        "publish.publisher=bundle",
        *settings,
    ]
    begun = time.perf_counter()
    told = {"KAON_HOME": str(home), "PYTHONPATH": IMPORTED_FROM}
    said = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True)
    if said.returncode:
        raise RuntimeError(f"no bundle after {time.perf_counter() - begun:.0f} s:\n{said.stdout[-3000:]}")


if __name__ == "__main__":
    main(sys.argv[1:])
