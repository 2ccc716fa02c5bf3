"""Changes are taken only from forms that this server wrote for this browser.

A cookie (SameSite=Strict, signed by this server) names the browser; every form carries the token that the server
derives from it, in the field `csrf_token` or the header `X-CSRF-Token`. A page elsewhere can read neither.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from fastapi import Request
from fastapi.responses import Response

from ...errors import ArtifactsError

COOKIE = "kaon_browser"
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Forged(ArtifactsError):
    """A change that does not come from a form of this server."""


class Csrf:
    """The tokens of one server.

    key: what it signs with; another one makes every open form invalid.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def token_of(self, request: Request) -> str:
        """Return the token for forms in the answer to this request."""
        return self._signed("form", self._browser(request))

    def remember(self, request: Request, response: Response) -> None:
        """Name the browser by a cookie, unless it has its name."""
        browser = self._browser(request)
        if not self._known(request.cookies.get(COOKIE, "")):
            value = f"{browser}.{self._signed('browser', browser)}"
            response.set_cookie(COOKIE, value, samesite="strict", httponly=True, secure=request.url.scheme == "https")

    async def check(self, request: Request) -> None:
        """Let through what changes nothing, and changes with their token. Raises Forged."""
        if request.method in READING:
            return
        browser = self._known(request.cookies.get(COOKIE, ""))
        given = request.headers.get(HEADER) or ""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if not given and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            given = str((await request.form()).get(FIELD, ""))
        elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if elsewhere or not browser or not _same(given, self._signed("form", browser)):
            raise Forged(
                "this change was not asked for by a page of this server",
                why="its form has no token, or one from before the server was started anew",
                fix="go back, load the page again, and do it once more",
            )

    def _browser(self, request: Request) -> str:
        known = self._known(request.cookies.get(COOKIE, ""))
        if not known:
            known = getattr(request.state, "browser", "") or secrets.token_urlsafe(18)
            request.state.browser = known
        return known

    def _known(self, cookie: str) -> str:
        """Return the browser that the cookie names if this server signed it, or nothing."""
        browser, _, signature = cookie.partition(".")
        return browser if browser and _same(signature, self._signed("browser", browser)) else ""

    def _signed(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
