"""Markdown as HTML that is safe inside our pages: whatever the text holds, only these few elements can come of it."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

LINKS = ("https://", "http://")
"""What a link may begin with; any other is left as the text that it is."""


def markdown_html(text: str) -> Markup:
    """Return a text in Markdown as HTML. HTML in it is shown as text, links lead to http and https, pictures are named.

    >>> str(markdown_html("**a** <b> [c](javascript:d)")).strip()
    '<p><strong>a</strong> &lt;b&gt; [c](javascript:d)</p>'
    """
    return Markup(_parser().render(text))  # html is off, so the parser escapes whatever is no Markdown


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: url.strip().lower().startswith(LINKS)  # type: ignore[method-assign]
    return parser


class _Renderer(RendererHTML):
    """HTML as our pages want it: no inline style, headings below the page's own, tables that can be scrolled."""

    def heading_open(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return f"<h{_level(tokens[at])}>"

    def heading_close(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return f"</h{_level(tokens[at])}>\n"

    def link_open(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return f'<a href="{escapeHtml(str(tokens[at].attrGet("href")))}" rel="noopener noreferrer nofollow">'

    def image(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        named = self.renderInlineAsText(tokens[at].children or [], options, env)
        return f'<span class="muted">[picture: {escapeHtml(named) or "no name"}]</span>'

    def fence(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return f'<pre class="block">{escapeHtml(tokens[at].content)}</pre>\n'

    def code_block(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return self.fence(tokens, at)

    def table_open(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return '<div class="scroll framed" tabindex="0" role="region" aria-label="Table"><table class="table tight">\n'

    def table_close(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return f'<th scope="col"{_side(tokens[at])}>'

    def td_open(self, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return f"<td{_side(tokens[at])}>"


def _level(heading: Token) -> int:
    return min(6, int(heading.tag.removeprefix("h")) + 1)


def _side(cell: Token) -> str:
    return ' class="num"' if "right" in str(cell.attrGet("style") or "") else ""
