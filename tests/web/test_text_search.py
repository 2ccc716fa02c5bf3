"""Words are found in texts of any length, and every match leads to its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect
from tests.web.conftest import served

import kaon
from kaon.artifacts import Text, open_store
from kaon.artifacts.web import create_app, text_search
from kaon.artifacts.web.text_pages import BYTES, text_page
from kaon.artifacts.web.text_search import MATCHES, Place, find_in_text

START = Place()


@pytest.fixture
def long_log(tmp_path: Path) -> Path:
    """A log of several pages, with a word here and there, in lines of many forms."""
    path = tmp_path / "long.log"
    odd = ["", " and\x0cmore"]
    lines = [f"{n} {'hay' if n % 500 else 'Ünd NEEDLE'}{odd[n % 7 == 0]} {'.' * (n % 90)}" for n in range(8000)]
    path.write_text("\r\n".join(lines), newline="")
    assert path.stat().st_size > 4 * BYTES
    return path


def test_every_match_leads_to_its_line_on_its_page(long_log: Path) -> None:
    found = find_in_text(long_log, "ünd needle", START)

    assert [match.number for match in found.matches] == [n + 1 for n in range(0, 8000, 500)]
    assert {match.page for match in found.matches} > {0, 3} and found.rest is None
    for match in found.matches:
        _, line = text_page(long_log, match.page, False).lines[match.line - 1]
        assert line.startswith(f"{match.number - 1} Ünd NEEDLE")
        assert (match.before, match.words) == (f"{match.number - 1} ", "Ünd NEEDLE")


def test_more_matches_than_are_shown_are_found_by_looking_further(tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("needle\nhay\n" * 250)
    numbers: list[int] = []
    place: Place | None = START
    while place is not None:
        found = find_in_text(path, "NEEDLE", place)
        assert len(found.matches) <= MATCHES
        numbers += [match.number for match in found.matches]
        place = found.rest

    assert numbers == list(range(1, 501, 2))


def test_one_request_reads_no_more_than_its_share(long_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_search, "AT_ONCE", 1 << 12)
    monkeypatch.setattr(text_search, "AT_MOST", 1 << 16)
    found = find_in_text(long_log, "nothing like it", START)

    assert found.rest is not None and 1 << 16 <= found.rest.byte < 2 << 16
    assert not found.matches and 0 < found.share < 1
    (last,) = find_in_text(long_log, "7500 ", Place(long_log.stat().st_size - 50_000, 0)).matches
    assert last.before == ""


def test_a_line_longer_than_a_page_is_shown_around_the_match(tmp_path: Path) -> None:
    path = tmp_path / "one_line.txt"
    path.write_text("x" * 10_000 + "needle" + "y" * 10_000)
    (match,) = find_in_text(path, "needle", START).matches

    assert match.before == "…" + "x" * text_search.BEFORE and match.after == "y" * text_search.AFTER + "…"


@given(text=st.text(alphabet="ab\n\r é", max_size=60), words=st.text(alphabet="abé ", min_size=1, max_size=2))
def test_what_is_found_is_what_the_lines_of_the_text_have(
    text: str, words: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "text"
    path.write_text(text, newline="")

    found = [match.number for match in find_in_text(path, words, START).matches]

    assert found == [n for n, line in enumerate(text.split("\n"), 1) if words in line]


HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.mark.browser
def test_a_log_is_searched_with_keys_and_a_match_is_opened_where_it_stands(
    page: Page, tmp_path: Path, audit: Callable[[Page], None]
) -> None:
    @kaon.step(output="train_log")
    def tell() -> Text:
        return Text("\n".join(f"line {n} {HOSTILE if n == 6000 else '.' * 20}" for n in range(8000)))

    store = open_store(tmp_path / "store")
    kaon.run(kaon.workflow("telling", tell), store=store)
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    with served(create_app(tmp_path / "store")) as address:
        page.goto(f"{address}/artifacts/1")
        search = page.get_by_role("searchbox", name="Find in the text")
        search.focus()
        page.keyboard.type("img SRC=x")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text="1 line with")).to_be_visible()
        expect(page.locator(".found mark")).to_have_text("img src=x")
        audit(page)
        page.get_by_role("link", name="line 6,001").focus()
        page.keyboard.press("Enter")

        line = page.locator(".line-found")
        expect(line).to_have_text(f"line 6000 {HOSTILE}\n")
        expect(line).to_be_in_viewport()
        assert page.locator("img").count() == 0
        audit(page)
        page.get_by_role("searchbox", name="Find in the text").fill("not there")
        page.keyboard.press("Enter")
        expect(page.get_by_text("No line has “not there”")).to_be_visible()
