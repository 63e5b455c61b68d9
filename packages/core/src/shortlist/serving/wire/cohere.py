"""`/v2/rerank`: the shape of Cohere's second version (docs.cohere.com/reference/rerank)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from shortlist.serving.wire.answer import Answer
from shortlist.serving.wire.jina import Beside, RerankRequest, Result, meta, result


class CohereRequest(RerankRequest):
    """A query and documents, as Cohere takes them."""


class CohereReply(Beside):
    """Results, best first."""

    id: str = Field(description="Of the request.")
    results: list[Result]
    meta: dict[str, Any] = Field(description="Version, units and tokens.")
    usage: dict[str, float | int | None] | None = Field(None, description="What it took, if asked for.")


def reply(answer: Answer, request_id: str) -> dict[str, Any]:
    """What the client is told."""
    results = [result(answer, row) for row in answer.rows()]
    told = {"id": request_id, "results": results, "meta": meta(answer, "2"), **answer.beside()}
    return {**told, "usage": answer.usage()} if answer.asked.wants("usage") else told
