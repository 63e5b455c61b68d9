"""The endpoints: what each shape is asked at, and the one operation behind all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeAlias

from fastapi import APIRouter, Query, Response

from shortlist.errors import ModelUnavailable
from shortlist.serving.admission import Admission
from shortlist.serving.health import Readiness
from shortlist.serving.knobs import turned
from shortlist.serving.logs import entry
from shortlist.serving.naming import named
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.settings import ServingSettings
from shortlist.serving.wire import cohere, jina, tei, voyage
from shortlist.serving.wire.answer import Answer, encoded
from shortlist.serving.wire.asked import Asked, check_size
from shortlist.serving.wire.models import ModelList, models
from shortlist.serving.wire.openapi import errors, security

Every: TypeAlias = Annotated[
    bool,
    Query(alias="all", description="List what the pipeline dropped too, below what it kept; for clients that want a "
    "score for every document."),
]  # fmt: skip


class NotReady(ModelUnavailable):
    """The models are not loaded yet."""


class RankRequest(Protocol):
    """A request in any shape."""

    query: str

    def contents(self) -> list[str]:
        """The texts that are to be ranked."""
        ...

    def asked(self) -> Asked:
        """The request in the words of the house."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """What stands behind the endpoints.

    Attributes:
        pipelines: that may be asked for.
        settings: of the server.
        admission: the queue before the models.
        readiness: which pipelines rank as they should.
    """

    pipelines: Pipelines
    settings: ServingSettings
    admission: Admission
    readiness: Readiness

    async def answer(self, request: RankRequest, *, every: bool = False) -> Answer:
        """Rank what a request asks for.

        Raises:
            EmptyRequest: there is nothing to rank.
            TooLarge: it is more than one request may hold.
            UnknownPipeline: no pipeline has the name.
            NotReady: its models are being loaded, or cannot be.
            ShortlistError: what `Admission.rank` raises.
        """
        check_size(request.query, request.contents(), self.settings)
        asked = request.asked()
        name = self.pipelines.name(asked.model)
        reranker = turned(self.pipelines.get(name), asked.extras.settings or {})
        if why := self.readiness.missing().get(name):
            raise NotReady(f"{name} is not ready: {why}", retry_after=1.0)
        passages = named(asked.passages) if asked.wants("reasons") else asked.passages
        ranking = await self.admission.rank(
            name, reranker, asked.query, passages, top_k=asked.top_k, seconds=asked.extras.timeout
        )
        return Answer(name, asked, ranking, every)


def router(service: Service) -> APIRouter:
    """All endpoints of rerank clients."""
    made = APIRouter(dependencies=security() if service.settings.keys else [])
    _add_rerank(made, service)
    _add_tei(made, service)
    _add_models(made, service)
    return made


def _add_rerank(made: APIRouter, service: Service) -> None:
    @made.post("/v1/rerank", response_model=jina.RerankReply, responses=errors(), tags=["rerank"])
    async def rerank_v1(body: jina.RerankRequest, *, every: Every = False) -> Response:
        """Rerank, in the shape of Jina and of Cohere's first version."""
        return await _told(service, body, jina.reply, every=every)

    @made.post("/v2/rerank", response_model=cohere.CohereReply, responses=errors(), tags=["rerank"])
    async def rerank_v2(body: cohere.CohereRequest, *, every: Every = False) -> Response:
        """Rerank, in the shape of Cohere's second version."""
        return await _told(service, body, cohere.reply, every=every)

    @made.post("/voyage/v1/rerank", response_model=voyage.VoyageReply, responses=errors(), tags=["rerank"])
    async def rerank_voyage(body: voyage.VoyageRequest, *, every: Every = False) -> Response:
        """Rerank, in the shape of Voyage."""
        return await _told(service, body, voyage.reply, every=every)


def _add_tei(made: APIRouter, service: Service) -> None:
    @made.post("/rerank", response_model=tei.AnyReply, responses=errors(), tags=["rerank"])
    async def rerank(body: tei.AnyRequest, *, every: Every = False) -> Response:
        """Rerank, in the shape of text-embeddings-inference: every text is answered for.

        With `documents` in place of `texts` it answers as `/v1/rerank` does.
        """
        if isinstance(body, tei.TeiRequest):
            return await _told(service, body, tei.reply, every=True)
        return await _told(service, body, jina.reply, every=every)

    @made.get("/info", responses=errors(401), tags=["server"])
    async def info() -> tei.Info:
        """What the server is, in the words of text-embeddings-inference."""
        return tei.info(service.pipelines.default, service.settings)


def _add_models(made: APIRouter, service: Service) -> None:
    @made.get("/v1/models", responses=errors(401), tags=["server"])
    async def list_models() -> ModelList:
        """The pipelines that may be asked for."""
        return models(service.pipelines)


async def _told(
    service: Service, request: RankRequest, reply: Callable[[Answer, str], Any], *, every: bool
) -> Response:
    started = time.monotonic()
    answer = await service.answer(request, every=every)
    body = encoded(reply(answer, entry().id))
    return Response(body, media_type="application/json", headers=_headers(answer, started))


def _headers(answer: Answer, started: float) -> dict[str, str]:
    """What a reply that is a bare list has no other place for; the names are TEI's."""
    asked = answer.asked
    characters = sum(len(passage.text) for passage in asked.passages) + len(asked.query) * len(asked.passages)
    return {
        "x-compute-type": "shortlist",
        "x-compute-characters": str(characters),
        "x-compute-tokens": str(answer.ranking.usage.tokens_in),
        "x-total-time": str(round(1000 * (time.monotonic() - started))),
        **({"x-degraded": "true"} if answer.ranking.degraded else {}),
    }
