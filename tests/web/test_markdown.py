"""Markdown of a step is laid out inside our page, and can do nothing there."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect
from tests.web.conftest import served

import kaon
from kaon.artifacts import Markdown, open_store
from kaon.artifacts.web import create_app
from kaon.artifacts.web.markdown_html import markdown_html

ELEMENTS = frozenset(
    {"p", "strong", "em", "s", "code", "pre", "a", "span", "ul", "ol", "li", "blockquote", "hr", "br", "div"}
    | {"h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
)
ATTRIBUTES = frozenset({"href", "rel", "class", "tabindex", "role", "aria-label", "scope", "start"})


class Seen(HTMLParser):
    """The elements, attributes and links of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


PIECES = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](JAVASCRIPT&#58;x)",
    "[a](https://example.org/?a=\"onclick=x)", "![<b>](data:text/html,x)", "[a]: vbscript:x", "[a]", "```<b>\nx\n```",
    "| a | b |\n|--:|---|\n| <i> | x |", "# a", "> b", "- c", "1. d", "    code", "&lt;script&gt;", "<!-- x -->",
    "<https://example.org>", "<javascript:alert(1)>", "[a](//example.org)", "[a](/runs/1/cancel)", "~~x~~", "***",
    "\n\n", "\n",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text("<>&\"'`[]()!*_|#-:/\\ ax\n", max_size=8), max_size=12).map("".join))
def test_whatever_is_written_only_harmless_elements_come_of_it(text: str) -> None:
    seen = Seen(str(markdown_html(text)))

    assert seen.elements <= ELEMENTS
    assert seen.attributes <= ATTRIBUTES
    assert all(re.match("https?://", link, re.IGNORECASE) for link in seen.links)


CARD = """# A model card

It **works**, see [the paper](https://example.org/paper) or [this](javascript:alert(1)).

<script>document.title = "broken out"</script>

| metric | value |
|---|--:|
| ndcg@10 | 0.41 |

```python
print("<b>")
```

- ![a curve](https://example.org/curve.png)
"""


@pytest.mark.browser
def test_a_card_in_markdown_is_a_page_with_headings_tables_and_links(
    page: Page, tmp_path: Path, audit: Callable[[Page], None]
) -> None:
    @kaon.step(output="card")
    def write() -> Markdown:
        return Markdown(CARD)

    store = open_store(tmp_path / "store")
    kaon.run(kaon.workflow("carding", write), store=store)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with served(create_app(tmp_path / "store")) as address:
        page.goto(f"{address}/artifacts/1")
        expect(page.get_by_role("heading", name="A model card", level=2)).to_be_visible()
        expect(page.get_by_role("link", name="the paper")).to_have_attribute("href", "https://example.org/paper")
        expect(page.locator(".prose a")).to_have_count(1)
        expect(page.get_by_role("cell", name="0.41")).to_have_class("num")
        expect(page.locator(".prose")).to_contain_text("[picture: a curve]")
        assert "broken out" not in page.title() and all(url.startswith(address) for url in asked)
        audit(page)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
        page.get_by_role("link", name="Text", exact=True).click()
        expect(page.locator("pre.lines")).to_contain_text("# A model card")
