"""The application: what can be asked over HTTP."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from .answers import Ranked, Ready, Recommended, Refused, Similar
from .guarding import Guard
from .metrics import CONTENT_TYPE, ServerMetrics
from .questions import LONGEST_ID, MOST, RankQuestion, RecommendQuestion
from .recommender import NoSuch, Recommender
from .stages import Stages
from .watching import Current

T = TypeVar("T", bound=BaseModel)

REFUSED: dict[int | str, dict[str, Any]] = {
    413: {"model": Refused, "description": "The request is too large."},
    422: {"model": Refused, "description": "The request cannot be answered: which field, and why."},
    503: {"model": Ready, "description": "No bundle serves yet, or too many requests wait already: ask again later."},
}
RETRY = {"retry-after": "1"}
UNKNOWN_ITEM: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "There is no such item."}}


class NotReady(Exception):
    """No bundle serves."""


class Busy(Exception):
    """So many requests wait that another one is better asked again later."""


def create_app(current: Current, metrics: ServerMetrics, workers: Executor, most_waiting: int = 256) -> FastAPI:
    """Return the application.

    workers: what computes answers, so that the loop goes on taking requests.
    most_waiting: answers that are computed or wait for it at once; who asks for another one is told to come back.
    """
    app = FastAPI(title="Kaon recommender", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(Guard, metrics=metrics, current=current)
    _add_answers(app, current, metrics, workers, most_waiting)
    _add_condition(app, current, metrics)
    _add_refusals(app, current, metrics)
    return app


def _add_answers(app: FastAPI, current: Current, metrics: ServerMetrics, workers: Executor, most_waiting: int) -> None:
    waiting = 0

    async def answered(answer: Callable[[Recommender, Stages], T]) -> Response:
        nonlocal waiting
        recommender = current.recommender
        if recommender is None:
            raise NotReady
        if waiting >= most_waiting:
            raise Busy

        def computed() -> tuple[bytes, Stages]:
            stages = Stages()
            return answer(recommender, stages).model_dump_json().encode(), stages

        waiting += 1
        try:
            body, stages = await asyncio.get_running_loop().run_in_executor(workers, computed)
        finally:
            waiting -= 1
        metrics.note_stages(stages)
        return Response(body, media_type="application/json")

    @app.post("/recommend", response_model=Recommended, responses=REFUSED)
    async def recommend(asked: RecommendQuestion) -> Response:
        """Return a list for a user, for somebody with a history, or for a market."""
        return await answered(lambda recommender, stages: recommender.recommend(asked, stages))

    @app.post("/rank", response_model=Ranked, responses=REFUSED)
    async def rank(asked: RankQuestion) -> Response:
        """Return candidates in the order in which they suit who asks."""
        return await answered(lambda recommender, stages: recommender.rank(asked, stages))

    @app.get("/similar/{item:path}", response_model=Similar, responses={**REFUSED, **UNKNOWN_ITEM})
    async def similar(
        item: Annotated[str, Path(min_length=1, max_length=LONGEST_ID)],
        k: Annotated[int, Query(ge=1, le=MOST)] = 10,
    ) -> Response:
        """Return items like one."""
        return await answered(lambda recommender, stages: recommender.similar(item, k, stages))


def _add_condition(app: FastAPI, current: Current, metrics: ServerMetrics) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the server runs."""
        return {"status": "running"}

    @app.get("/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
    async def readyz() -> Response:
        """Say whether requests are answered, and by which bundle."""
        ready = _ready(current)
        return JSONResponse(ready.model_dump(), status_code=200 if ready.ready else 503)

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def exposition() -> Response:
        """Return what was counted, for Prometheus."""
        return Response(metrics.exposition(), headers={"content-type": CONTENT_TYPE})

    @app.get("/model", response_model=dict[str, Any], responses={503: REFUSED[503]})
    async def model() -> Response:
        """Return the manifest of the bundle that answers."""
        if current.recommender is None:
            raise NotReady
        return JSONResponse(dict(current.recommender.bundle.manifest))


def _add_refusals(app: FastAPI, current: Current, metrics: ServerMetrics) -> None:
    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:  # FastAPI's word for a body that is no text
            wrong = {"detail": [{"field": "body", "reason": f"{error.detail}: it is no JSON in UTF-8"}]}
            return JSONResponse(wrong, status_code=422)
        field = "method" if error.status_code == 405 else "path"
        reason = f"{error.detail}: {request.method} {request.url.path}; /openapi.json says what can be asked"
        wrong = {"detail": [{"field": field, "reason": reason}]}
        return JSONResponse(wrong, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [{"field": _field(one["loc"]), "reason": str(one["msg"])} for one in error.errors()]
        return JSONResponse({"detail": wrong}, status_code=422)

    @app.exception_handler(NoSuch)
    async def no_such(_: Request, error: Exception) -> Response:
        assert isinstance(error, NoSuch)
        status = 404 if error.field == "item" else 422
        return JSONResponse({"detail": [{"field": error.field, "reason": str(error)}]}, status_code=status)

    @app.exception_handler(NotReady)
    async def not_ready(_: Request, __: Exception) -> Response:
        return JSONResponse(_ready(current).model_dump(), status_code=503, headers=RETRY)

    @app.exception_handler(Busy)
    async def busy(_: Request, __: Exception) -> Response:
        metrics.note_shed()
        told = _ready(current).model_copy(update={"reason": "too many requests wait already: ask again later"})
        return JSONResponse(told.model_dump(), status_code=503, headers=RETRY)


def _ready(current: Current) -> Ready:
    serving = current.recommender
    reason = "the server is ending" if current.draining else current.refused
    return Ready(
        ready=serving is not None and not current.draining,
        version=serving.version if serving else "",
        reason=reason or ("" if serving else "no bundle was loaded yet"),
    )


def _field(location: tuple[int | str, ...]) -> str:
    """Return where something stands in a request, such as `filters.exclude.3`."""
    inside = location[1:] if location and location[0] in ("body", "query", "path") else location
    return ".".join(map(str, inside)) or "body"
