"""Whether the server is alive, whether it is ready, and what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shortlist.daemon import in_daemon_thread
from shortlist.errors import InputError
from shortlist.reranker.base import Reranker
from shortlist.reranker.desk import Desk
from shortlist.runtime.settings import Limits
from shortlist.serving.admission import Admission
from shortlist.serving.logs import LOG
from shortlist.serving.metrics import CONTENT_TYPE, Metrics
from shortlist.serving.pipelines import Pipelines

_QUERY, _PASSAGES = "Which of these is about water?", ("Rivers carry water to the sea.", "Bread is made of flour.")
_FIRST, _LONGEST = 2.0, 60.0  # seconds until what failed is tried again, doubled each time


Replies: TypeAlias = dict[int | str, dict[str, Any]]


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Whether requests will be answered, and if not, what is missing."""

    ready: bool
    missing: dict[str, str]


class Readiness:
    """Loads every pipeline's models and has each rank two passages; until all could, the server is not ready."""

    def __init__(self, pipelines: Pipelines, desk: Desk, admission: Admission) -> None:
        """Nothing is ready yet."""
        self._pipelines = pipelines
        self._desk = desk
        self._admission = admission
        self._missing = dict.fromkeys(pipelines.names, "warming up")
        self._work: asyncio.Task[None] | None = None

    def missing(self) -> Mapping[str, str]:
        """What is not ready, and why; empty when all is."""
        return {"server": "shutting down"} if self._admission.draining else dict(self._missing)

    def start(self) -> None:
        """Begin, in the background. What fails is tried again, later each time."""
        self._work = asyncio.create_task(self._prepare())

    async def stop(self) -> None:
        """Leave off."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _prepare(self) -> None:
        # Side by side: one whose model hangs keeps none of the others waiting.
        await asyncio.gather(*(self._prepare_one(name) for name in self._pipelines.names))

    async def _prepare_one(self, name: str) -> None:
        wait = _FIRST
        while True:
            await self._try(name, self._pipelines.get(name))
            if name not in self._missing:
                break
            await asyncio.sleep(wait)
            wait = min(_LONGEST, 2 * wait)
        if not self._missing:
            LOG.info("ready", extra={"fields": {"pipelines": list(self._pipelines.names)}})

    async def _try(self, name: str, reranker: Reranker) -> None:
        try:
            await in_daemon_thread(reranker.warm_up)
            await self._desk.rank(reranker, _QUERY, _PASSAGES, limits=Limits(seconds=_LONGEST))
        except InputError:
            pass  # it wants vectors or document ids, which these passages have not: its models are there
        except Exception as error:  # noqa: BLE001 - a pipeline that cannot start does not end the others
            self._missing[name] = f"self-check failed: {type(error).__name__}"
            LOG.warning("self-check failed", extra={"fields": {"pipeline": name, "error": type(error).__name__}})
            return
        del self._missing[name]


def health_router(readiness: Readiness, metrics: Metrics) -> APIRouter:
    """`/health`, `/ready` and `/metrics`."""
    router = APIRouter(tags=["operation"])
    not_ready: Replies = {503: {"model": Ready, "description": "Something is missing"}}
    plain: Replies = {
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format"}
    }
    router.add_api_route("/health", _health, response_model=Alive, summary="Whether the process answers")
    router.add_api_route(
        "/ready", _ready(readiness), response_model=Ready, responses=not_ready, summary="Whether it will rank"
    )
    router.add_api_route(
        "/metrics", _counted(metrics), response_class=Response, responses=plain, summary="What Prometheus reads"
    )
    return router


async def _health() -> Alive:
    """Always, while the process answers at all."""
    return Alive()


def _ready(readiness: Readiness) -> Callable[[Response], Awaitable[Ready]]:
    async def ready(response: Response) -> Ready:
        """After warm-up and self-check, and until the server is told to stop."""
        missing = dict(readiness.missing())
        response.status_code = 503 if missing else 200
        return Ready(ready=not missing, missing=missing)

    return ready


def _counted(metrics: Metrics) -> Callable[[], Awaitable[Response]]:
    async def counted() -> Response:
        """Requests, times, passages, model calls, tokens."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return counted
