"""What the page asks: pipelines, searches, rankings with what is drawn of them, and code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shortlist import __version__
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.reranker.writing import expression_of
from shortlist.serving.admission import Admission
from shortlist.serving.knobs import knobs, turned
from shortlist.serving.naming import named
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.playground.collections import Collections
from shortlist.serving.playground.page import add_page
from shortlist.serving.playground.pictures import picture
from shortlist.serving.settings import ServingSettings
from shortlist.serving.snippets import Shown, snippets
from shortlist.serving.stages import stages
from shortlist.serving.wire.answer import encoded
from shortlist.serving.wire.asked import Settings, check_size
from shortlist.serving.wire.documents import Documents, passages_of, texts_of

_API = "/playground/api"


class _Body(BaseModel):
    """Fields that are not known are ignored, as in all requests."""

    model_config = ConfigDict(strict=True, extra="ignore")

    query: str


class SearchBody(_Body):
    """A search of a collection."""

    collection: str
    k: int = Field(50, ge=1)


class CodeBody(_Body):
    """What is on the screen, for code: passages may be left out."""

    pipeline: str | None = None
    settings: Settings = Field(default_factory=dict)
    passages: Documents = Field(default_factory=list)
    top_k: int | None = Field(None, ge=1)


class RankBody(CodeBody):
    """What is on the screen, to be ranked."""

    timeout: float | None = Field(None, gt=0)


def router(pipelines: Pipelines, settings: ServingSettings, admission: Admission) -> APIRouter:
    """The page and what it asks. The folders of the settings are read and indexed now.

    Raises:
        InputError: a folder is not there, or has nothing to read in it.
    """
    desk = _Desk(pipelines, settings, admission)
    made = APIRouter(include_in_schema=False)
    _add_reads(made, desk)
    _add_ranks(made, desk)
    add_page(made)
    return made


class _Desk:
    """What stands behind the page."""

    def __init__(self, pipelines: Pipelines, settings: ServingSettings, admission: Admission) -> None:
        self.pipelines = pipelines
        self.settings = settings
        self.admission = admission
        self.collections = Collections.of(settings.documents)
        self.told = encoded(self._told())  # which never changes

    def _told(self) -> dict[str, Any]:
        limits = {"passages": self.settings.max_passages, "bytes": self.settings.max_bytes}
        return {
            "version": __version__,
            "keys": bool(self.settings.keys),
            "pipelines": [_described(name, reranker) for name, reranker in self.pipelines.items()],
            "collections": [{"name": c.name, "passages": c.size} for c in self.collections.by_name.values()],
            "limits": limits,
        }

    async def found(self, body: SearchBody) -> dict[str, Any]:
        """The first stage's passages; a search of a large index takes a while, and not of the loop's time."""
        check_size(body.query, [""], self.settings)
        k = min(body.k, self.settings.max_passages)
        async with self.admission.place():
            passages = await asyncio.to_thread(self.collections.search, body.collection, body.query, k)
        return {"passages": [_found(each) for each in passages]}

    async def ranked(self, body: RankBody) -> Ranking:
        """Through the same queue as any other request."""
        check_size(body.query, texts_of(body.passages), self.settings)
        name, reranker = self.turned(body)
        passages = named(passages_of(body.passages))
        return await self.admission.rank(name, reranker, body.query, passages, top_k=body.top_k, seconds=body.timeout)

    def turned(self, body: CodeBody) -> tuple[str, Reranker]:
        """The pipeline that is meant, and its name."""
        name = self.pipelines.name(body.pipeline)
        return name, turned(self.pipelines.get(name), body.settings)

    async def code(self, body: CodeBody, url: str) -> dict[str, str]:
        """Of what is on the screen; of a thousand passages it takes a while too."""
        async with self.admission.place():
            return await asyncio.to_thread(self._written, body, url)

    def _written(self, body: CodeBody, url: str) -> dict[str, str]:
        check_size(body.query, texts_of(body.passages) or [""], self.settings)
        name, reranker = self.turned(body)
        passages, keyed = passages_of(body.passages), bool(self.settings.keys)
        return snippets(Shown(reranker, body.query, passages, body.top_k, name, body.settings, url, keyed))


def _add_reads(made: APIRouter, desk: _Desk) -> None:
    @made.get(f"{_API}/pipelines")
    async def pipelines() -> Response:
        """What there is to choose from, and what of it can be turned."""
        return Response(desk.told, media_type="application/json")

    @made.post(f"{_API}/search")
    async def search(body: SearchBody) -> Response:
        """Passages of a folder."""
        return _json(await desk.found(body))


def _add_ranks(made: APIRouter, desk: _Desk) -> None:
    @made.post(f"{_API}/rank")
    async def rank(body: RankBody) -> Response:
        """A ranking, with what is drawn of it."""
        ranking = await desk.ranked(body)
        # A picture of a thousand passages takes a tenth of a second, which is not of the loop's time.
        return await asyncio.to_thread(_drawn, ranking)

    @made.post(f"{_API}/code")
    async def code(body: CodeBody, request: Request) -> Response:
        """The same as code to paste."""
        return _json(await desk.code(body, str(request.base_url)))


def _json(value: Mapping[str, Any]) -> Response:
    return Response(encoded(value), media_type="application/json")


def _described(name: str, reranker: Reranker) -> dict[str, Any]:
    return {
        "name": name,
        "text": _text(name, reranker),
        "stages": list(stages(reranker)),
        "knobs": [knob.to_dict() for knob in knobs(reranker)],
    }


def _text(name: str, reranker: Reranker) -> str:
    try:
        return expression_of(reranker) or json.dumps(reranker.to_dict(), ensure_ascii=False)
    except InputError:  # it holds code
        return name


def _found(passage: Passage) -> dict[str, Any]:
    told = {name: getattr(passage, name) for name in ("text", "id", "score", "document_id", "position")}
    return {**told, "title": passage.metadata.get("title") or passage.metadata.get("heading")}


def _drawn(ranking: Ranking) -> Response:
    return _json(shown(ranking))


def shown(ranking: Ranking) -> dict[str, Any]:
    """The ranking with its picture; all of it but vectors, which nobody looks at."""
    told = ranking.to_dict()
    for item in (*told["kept"], *told["dropped"]):
        item["passage"].pop("embedding", None)
    drawn = picture(ranking)
    return {"ranking": told, "cost": drawn.pop("cost"), "explain": drawn.pop("explain"), "picture": drawn}
