"""What every page is given: the store, where Prefect and MLflow are, and how a page is rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias, cast

from annotated_types import Ge, Le
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from ..store import Store
from .navigation import Entry
from .plans.known import KnownPlans
from .security.csrf import Csrf
from .watched import Watched

Id: TypeAlias = Annotated[int, Ge(0), Le(2**63 - 1)]
"""A number in an address: no more than a database takes."""


@dataclass(frozen=True, slots=True)
class Site:
    """The application's fixed surroundings."""

    store: Store
    find_prefect: Callable[[], str | None]
    """Returns where Prefect's API answers now, `http://127.0.0.1:4200/api`; None if there is none."""
    mlflow_uri: str | None
    """Where MLflow answers; None if there is none."""
    templates: Environment
    navigation: tuple[Entry, ...]
    csrf: Csrf
    plans: KnownPlans
    """What its runs' plans say."""
    watched: Watched
    """How runs stand that somebody looks at."""

    @property
    def prefect_url(self) -> str | None:
        """Where Prefect's API answers now."""
        return self.find_prefect()


def site_of(request: Request) -> Site:
    """Return the surroundings of the application that answers this request."""
    return cast(Site, request.app.state.site)


def page(request: Request, template: str, status: int = 200, /, **context: object) -> HTMLResponse:
    """Return the template as a response.

    The template also sees `site`, `request`, `csrf_token`, `theme` and `here`, the navigation's entry of this page.
    """
    site = site_of(request)
    theme = request.cookies.get("kaon_theme", "")
    html = site.templates.get_template(template).render(
        site=site,
        request=request,
        csrf_token=site.csrf.token_of(request),
        theme=theme if theme in ("light", "dark") else "",
        here=next((entry.url for entry in site.navigation if entry.holds(request.url.path)), ""),
        **context,
    )
    response = HTMLResponse(html, status)
    site.csrf.remember(request, response)
    return response


def is_fragment(request: Request) -> bool:
    """Say whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
