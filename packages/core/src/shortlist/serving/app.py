"""The application: the one place where everything that a server has is put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from shortlist import __version__
from shortlist.errors import ShortlistError
from shortlist.reranker.desk import Desk
from shortlist.serving.admission import Admission, headers_of, status_of
from shortlist.serving.apart import Apart
from shortlist.serving.guards import Guards
from shortlist.serving.health import Readiness, health_router
from shortlist.serving.logs import entry
from shortlist.serving.metrics import Metrics
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.routes import Service, router
from shortlist.serving.settings import ServingSettings
from shortlist.serving.wire.answer import encoded
from shortlist.serving.wire.asked import EmptyRequest, TooLarge
from shortlist.serving.wire.errors import error_body, in_words, shown
from shortlist.serving.wire.openapi import DESCRIPTION

# The guards make the span of a request: FastAPI's own would be a second one, and what it logs quotes what was sent.
_NO_TELEMETRY: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans"), False)
_OF_REQUESTS = ((EmptyRequest, 400), (TooLarge, 413))


def create_app(pipelines: Pipelines, settings: ServingSettings) -> FastAPI:
    """The application that serves these pipelines.

    Models are loaded when it starts, in the background; until then it answers, and says that it is not ready.
    """
    metrics = Metrics(pipelines.names)
    desk = Apart(settings.runtime())
    admission = Admission(desk, settings, metrics)
    readiness = Readiness(pipelines, desk, admission)
    app = FastAPI(
        title="Shortlist",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(desk, admission, readiness),
        docs_url=None,  # those pages ask other hosts for their scripts
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.admission = admission
    _add_errors(app)
    app.include_router(router(Service(pipelines, settings, admission, readiness)))
    app.include_router(health_router(readiness, metrics))
    if settings.playground:
        _add_playground(app, pipelines, settings, admission)
    app.add_middleware(Guards, settings=settings, metrics=metrics, admission=admission)
    return app


def _lifespan(desk: Desk, admission: Admission, readiness: Readiness) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        readiness.start()
        try:
            yield
        finally:
            await readiness.stop()
            await admission.drain()
            await desk.aclose()

    return lifespan


def _add_playground(app: FastAPI, pipelines: Pipelines, settings: ServingSettings, admission: Admission) -> None:
    from shortlist.serving.playground.api import router as playground

    app.include_router(playground(pipelines, settings, admission))


def _add_errors(app: FastAPI) -> None:
    """One body for all that can go wrong."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ShortlistError, _failed)


async def _failed(_: Request, error: Exception) -> Response:
    """What the house raises, with its status."""
    status = next((status for kind, status in _OF_REQUESTS if isinstance(error, kind)), None) or status_of(error)
    entry().error = type(error).__name__
    return _reply(error_body(status, str(error), entry().id), status, headers_of(error))


async def _refused(request: Request, error: Exception) -> Response:
    """No such path, or no such method there."""
    assert isinstance(error, HTTPException)
    message = f"{error.detail}: {request.method} is not answered here; see /openapi.json for what is"
    told = message if error.status_code in {404, 405} else str(error.detail)
    return _reply(error_body(error.status_code, told, entry().id), error.status_code, error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    """A body that is no JSON, or not what the shape says. What it holds is not repeated."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        message = f"the body is no JSON: {found[0].get('ctx', {}).get('error', 'it cannot be read')}"
        return _reply(error_body(400, message, entry().id, kind="Validation"), 400)
    return _reply(error_body(422, in_words(found), entry().id, shown(found)), 422)


def _reply(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encoded(body), status, headers, "application/json")
