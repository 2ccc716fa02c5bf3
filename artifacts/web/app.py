"""The application: its pages, and what stands in front of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from ..errors import StoreError
from ..store import open_store
from . import pages
from .navigation import entries
from .plans.known import KnownPlans
from .refusals import add_refusals
from .security.csrf import Csrf
from .security.headers import SecureHeaders
from .security.hosts import LOOPBACK, OnlyKnownHosts
from .security.token import TokenGate
from .site import Site
from .templating import environment
from .watched import Watched

STATIC = Path(__file__).parent / "static"


def create_app(
    store_url: str | Path | None,
    *,
    prefect_url: str | Callable[[], str | None] | None = None,
    mlflow_uri: str | None = None,
    token: str | None = None,
    hosts: Collection[str] = LOOPBACK,
) -> FastAPI:
    """Return the application over the store at a folder or URL, as `open_store` takes it.

    prefect_url: Prefect's API, or what returns it at each request; mlflow_uri: MLflow's server or folder; token: what
    whoever opens a page must know, and what a server that others can reach must have; hosts: the names under which it
    answers.
    """
    modules = tuple(page_modules())
    csrf, store = Csrf(), open_store(store_url)
    plans = KnownPlans(store)
    with suppress(StoreError):  # filters are slower without; a store that cannot be written can still be read
        if store.records.runs(limit=1):
            store.records.index_listing()
    find_prefect = prefect_url if callable(prefect_url) else lambda: prefect_url
    app = FastAPI(title="Kaon", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(csrf.check)])
    app.state.site = Site(
        store, find_prefect, mlflow_uri, environment(), entries(modules), csrf, plans, Watched(store, plans)
    )
    app.state.token = token
    app.state.stopping = threading.Event()
    app.mount("/static", _Assets(directory=STATIC), name="static")
    for module in modules:
        app.include_router(module.router)
    app.add_api_route("/", _first_page, include_in_schema=False)
    add_refusals(app)
    app.add_middleware(GZipMiddleware, minimum_size=2048)
    if token is not None:
        app.add_middleware(TokenGate, token=token)
    app.add_middleware(OnlyKnownHosts, names=hosts, numbers=token is not None)
    app.add_middleware(SecureHeaders)
    return app


def page_modules() -> Iterator[ModuleType]:
    """Yield the modules of the package `pages`; each has a `router`, and a `NAVIGATION` if the navigation names it."""
    for found in iter_modules(pages.__path__):
        module = import_module(f"{pages.__name__}.{found.name}")
        if hasattr(module, "router"):
            yield module


class _Assets(StaticFiles):
    """Files that a browser keeps, and asks about before it uses them again."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the file, or that it has not changed."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _first_page() -> RedirectResponse:
    return RedirectResponse("/runs", 303)
