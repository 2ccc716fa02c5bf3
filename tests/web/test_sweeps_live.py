"""What a sweep's page is sent while the sweep goes on, and what the server keeps for those who look."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from fastapi.testclient import TestClient
from tests.web import flows

import kaon
from kaon.artifacts import Begin, Begun, Ending, Lease, NewOutput, Store, digest_bytes, open_store
from kaon.artifacts.web import create_app
from kaon.artifacts.web.kept import LOOKED_AT, Kept
from kaon.artifacts.web.live_stream import live
from kaon.artifacts.web.pages import sweeps
from kaon.artifacts.web.pages.sweeps import Asked, SweepParts

CHART = "data-chart"
SCORED = "searching/sweep[x,y]/score"


@pytest.fixture
def client() -> TestClient:
    """The pages over a store where `searching` has run once."""
    app = create_app("memory://")
    kaon.run(flows.searching, store=app.state.site.store)
    return TestClient(app, base_url="http://127.0.0.1")


def parts_of(client: TestClient, run: int) -> SweepParts:
    return SweepParts(client.app.state.site, run, Asked())  # type: ignore[attr-defined]


def store_of(client: TestClient) -> Store:
    store: Store = client.app.state.site.store  # type: ignore[attr-defined]
    return store


def measure(store: Store, lease: Lease, x: float, value: float) -> None:
    """Record a point that has been measured."""
    (begun,) = store.begin_steps(lease, [Begin(SCORED, "score", (("x", x), ("y", 0.0)))])
    assert isinstance(begun, Begun)
    raw = json.dumps({"value": value}).encode()
    output = NewOutput("score", "metrics", digest_bytes(raw), len(raw), {"value": value}, raw)
    store.finish_steps(lease, [Ending(begun.step_run, "completed", outputs=(output,))])


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name, html in after.items() if before.get(name) != html}


def test_a_page_is_there_before_its_pictures_which_are_sent_to_it_next(client: TestClient) -> None:
    page = client.get("/sweeps/1").text
    look = parts_of(client, 1)
    first, soon = dict(look()[0]), look()[1]
    second = look.shown

    assert CHART not in page and 'id="sweep-charts"' in page and "12 completed" in page
    assert set(first) == {"head", "board"} and soon == sweeps.SELDOM
    assert changed(first, second) == {"charts"} and second["charts"].count(CHART) == 3


def test_a_sweep_that_goes_on_is_sent_its_ranking_at_each_look_and_pictures_seldom(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = store_of(client), [100.0]
    monkeypatch.setattr(sweeps.time, "monotonic", lambda: clock[0])
    lease = store.records.start_run("searching", {}, store.records.run(1).plan, "local").lease
    look, sent, pauses = parts_of(client, lease.run), [], []
    for x in range(6):
        measure(store, lease, float(x), x / 10)
        before = dict(look.shown)
        shown, pause = look()
        sent.append(changed(before, shown))
        pauses.append(pause)
        clock[0] += 2.0

    assert sent == [{"head", "board"}, {"charts"}, *[{"head", "board"}] * 2, {"charts"}, {"head", "board"}]
    assert pauses == [sweeps.AT_ONCE, sweeps.AT_ONCE, *[sweeps.EVERY] * 2, sweeps.AT_ONCE, sweeps.EVERY]
    store.records.end_run(lease, "completed")
    last = [dict(look()[0]) for _ in range(2)]
    assert "6 completed" in last[0]["head"] and look()[1] == sweeps.SELDOM
    assert changed(last[0], last[1]) == {"charts"}


def test_a_sweep_that_is_far_ahead_is_caught_up_with_in_short_looks(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "NEW", 5)
    look = parts_of(client, 1)
    looks = []
    for _ in range(3):
        _, pause = look()
        looks.append((len(sweeps.board_of(look.site.store, store_of(client).records.run(1), 0)[0].points), pause))

    assert [points for points, _ in looks] == [5, 10, 12]
    assert [pause for _, pause in looks][:2] == [sweeps.AT_ONCE] * 2
    assert "12 completed" in look.shown["head"]


def test_every_message_says_what_it_took_the_server(client: TestClient) -> None:
    stream = live(parts_of(client, 1).update, threading.Event())
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop may run in this thread
        messages = elsewhere.submit(lambda: asyncio.run(_first(stream, 3))).result()

    assert messages[0] == "retry: 2000\n\n"
    assert all(message.startswith(": made in ") and message.endswith("\n\n") for message in messages[1:])
    assert ("sweep-head" in messages[1], CHART in messages[2]) == (True, True)


def test_a_stream_ends_when_the_server_stops(client: TestClient) -> None:
    stopping = threading.Event()

    async def left() -> list[str]:
        stream = live(parts_of(client, 1).update, stopping)
        first = await anext(stream), await anext(stream)
        stopping.set()
        return [*first, *[message async for message in stream]]

    with ThreadPoolExecutor(1) as elsewhere:
        messages = elsewhere.submit(lambda: asyncio.run(left())).result(timeout=60)

    assert len(messages) == 2 and "sweep-head" in messages[1]


def test_what_is_looked_at_is_kept_and_of_the_rest_what_was_looked_at_last() -> None:
    clock, numbers = [0.0], count()
    kept: Kept[str, int] = Kept(2, lambda: clock[0])
    store = open_store("memory://")

    def get(key: str) -> int:
        return kept.get(store, key, lambda: next(numbers))

    assert [get(key) for key in "abcd"] == [0, 1, 2, 3]
    assert [get(key) for key in "abcd"] == [0, 1, 2, 3]  # all are looked at
    clock[0] += LOOKED_AT + 1
    assert [get(key) for key in "cd"] == [2, 3]
    assert get("a") == 4  # nobody had looked at it
    assert kept.get(open_store("memory://"), "c", lambda: next(numbers)) == 5  # another store's


async def _first(stream: AsyncIterator[str], number: int) -> list[str]:
    return [await anext(stream) for _ in range(number)]
