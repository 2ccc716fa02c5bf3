"""The form that takes the server's token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from ..security.token import is_token, remember
from ..site import page

router = APIRouter()


@router.get("/login")
def login(request: Request, to: str = "/") -> Response:
    """Ask for the token."""
    return page(request, "login.html", to=_inside(to), wrong=False)


@router.post("/login")
def check(request: Request, token: Annotated[str, Form()] = "", to: Annotated[str, Form()] = "/") -> Response:
    """Let in whoever knows the token."""
    wanted = request.app.state.token
    if wanted is not None and not is_token(wanted, token):
        return page(request, "login.html", 403, to=_inside(to), wrong=True)
    answer = RedirectResponse(_inside(to), 303)
    if wanted is not None:
        remember(answer, wanted, secure=request.url.scheme == "https")
    return answer


def _inside(url: str) -> str:
    """Return the path if it is one of this server, or the first page: nobody is sent elsewhere.

    >>> [_inside(url) for url in ("/runs?state=failed", "//evil.example", "https://evil.example", "/\\\\evil.example")]
    ['/runs?state=failed', '/', '/', '/']
    """
    return url if url.startswith("/") and not url.startswith(("//", "/\\")) else "/"
