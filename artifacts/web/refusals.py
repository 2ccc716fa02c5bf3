"""What went wrong, as a page that says what, why and what to do: never a bare error."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ..errors import (
    AlreadyEnded,
    ArtifactsError,
    CorruptArtifact,
    MissingBlob,
    PrefectError,
    PrefectStopped,
    RecordsError,
    StoreError,
    TrackingError,
    UnknownRecord,
)
from .security.csrf import Forged
from .site import is_fragment, page

LOG = logging.getLogger("kaon.web")


class ServiceDown(ArtifactsError):
    """Prefect, MLflow, or another server that a page needs, does not answer."""


STATUS: tuple[tuple[type[ArtifactsError], int, str], ...] = (
    (Forged, 403, "Refused"),
    (UnknownRecord, 404, "Not found"),
    (MissingBlob, 410, "Its bytes are gone"),
    (CorruptArtifact, 410, "Its bytes are damaged"),
    (AlreadyEnded, 409, "Too late"),
    (RecordsError, 409, "Refused"),
    (TrackingError, 503, "MLflow does not answer"),
    (PrefectStopped, 503, "Prefect does not answer"),
    (PrefectError, 409, "Prefect refused"),
    (ServiceDown, 503, "A server does not answer"),
    (StoreError, 503, "The store cannot be read"),
    (ArtifactsError, 422, "This cannot be shown"),
)
"""Error to status and title; the first that fits counts."""


def add_refusals(app: FastAPI) -> None:
    """Let every error of this application be answered by a page, or by a notice where htmx asked for a part of one."""
    app.add_exception_handler(ArtifactsError, _artifacts_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def refusal(request: Request, status: int, title: str, error: ArtifactsError) -> Response:
    """Return the error as a page, or as a notice."""
    template = "notice.html" if is_fragment(request) else "refusal.html"
    return page(request, template, status, title=title, error=error)


def _artifacts_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ArtifactsError)
    status, title = next((status, title) for kind, status, title in STATUS if isinstance(error, kind))
    return refusal(request, status, title, error)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase.capitalize()
    said = "there is no such page" if error.status_code == 404 and error.detail == "Not Found" else error.detail
    return refusal(request, error.status_code, title, ArtifactsError(str(said)))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
    return refusal(request, 422, "The address or form does not fit", ArtifactsError(said))


def _unexpected(request: Request, error: Exception) -> Response:
    LOG.error("a page failed: %s", request.url.path, exc_info=error)
    told = ArtifactsError(
        "an error in Kaon itself kept this page from being made",
        why=f"{type(error).__name__}, whose traceback is in the log of `kaon ui`",
        fix="load the page again; if it stays, report it with that traceback",
    )
    return refusal(request, 500, "This page failed", told)
