"""Who may see the pages of a server that others can reach: whoever knows its token.

The token is given once, in the form of /login, as `?token=…` or as `Authorization: Bearer …`; a cookie remembers that
it was.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "kaon_session"
OPEN = ("/static/", "/login")
MONTH = 30 * 24 * 3600


class TokenGate:
    """Sends whoever has not given the token to /login."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, or with the way to the login."""
        if scope["type"] != "http" or scope["path"].startswith(OPEN):
            await self._app(scope, receive, send)
            return
        answer = self._refusal(Request(scope))
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        bearer = request.headers.get("authorization", "").partition("Bearer ")[2]
        if is_session(self._token, request.cookies.get(COOKIE, "")) or (bearer and is_token(self._token, bearer)):
            return None
        given = request.query_params.get("token", "")
        if request.method == "GET" and given and is_token(self._token, given):
            rest = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
            answer = RedirectResponse(request.url.path + (f"?{urlencode(rest)}" if rest else ""), 303)
            remember(answer, self._token, secure=request.url.scheme == "https")
            return answer
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            if "token" in QueryParams(request.url.query):
                wanted = request.url.path
            return RedirectResponse(f"/login?to={quote(wanted, safe='')}", 303)
        return PlainTextResponse("This server demands its token: Authorization: Bearer TOKEN\n", 401)


def is_token(token: str, given: str) -> bool:
    """Say whether what was given is the token, in a time that does not depend on where they differ."""
    return hmac.compare_digest(token.encode(), given.encode())


def is_session(token: str, cookie: str) -> bool:
    """Say whether the cookie was set for whoever gave this token."""
    return hmac.compare_digest(_session(token).encode(), cookie.encode())


def remember(response: Response, token: str, *, secure: bool) -> None:
    """Let the browser be known by a cookie from now on; it does not hold the token."""
    response.set_cookie(COOKIE, _session(token), max_age=MONTH, samesite="strict", httponly=True, secure=secure)


def _session(token: str) -> str:
    return hmac.new(token.encode(), b"kaon session", hashlib.sha256).hexdigest()
