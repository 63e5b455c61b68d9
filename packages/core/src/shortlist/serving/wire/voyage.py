"""`/voyage/v1/rerank`: the shape of Voyage (docs.voyageai.com/reference/reranker-api).

It has a root of its own because its clients ask at `/v1/rerank` too, and read the reply otherwise.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shortlist.serving.wire.answer import Answer, Row
from shortlist.serving.wire.documents import Count
from shortlist.serving.wire.jina import Beside
from shortlist.serving.wire.request import EXAMPLE, DocumentsRequest


class VoyageRequest(DocumentsRequest):
    """A query and documents, as Voyage takes them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "top_k": 2}]})

    top_k: Count | None = Field(None, description="How many results to return at most.")

    @property
    def at_most(self) -> int | None:
        """How many results to return."""
        return self.top_k


class VoyageResult(BaseModel):
    """One document in its place."""

    index: int = Field(description="Its place in the request, from 0.")
    relevance_score: float = Field(description="Higher is better.")
    document: str | None = None
    reasons: dict[str, float | str | None] | None = Field(None, description="What is behind the score, if asked for.")
    dropped: str | None = Field(None, description="Why the pipeline dropped it, where dropped ones are listed too.")


class VoyageReply(Beside):
    """Results, best first."""

    object: str = "list"
    data: list[VoyageResult]
    model: str = Field(description="The pipeline that ranked.")
    usage: dict[str, float | int | None] = Field(examples=[{"total_tokens": 0}])


def reply(answer: Answer, request_id: str) -> dict[str, Any]:  # noqa: ARG001 - Voyage has no place for the id
    """What the client is told."""
    data = [_result(answer, row) for row in answer.rows()]
    return {"object": "list", "data": data, "model": answer.pipeline, "usage": answer.usage(), **answer.beside()}


def _result(answer: Answer, row: Row) -> dict[str, Any]:
    told = {"index": row.item.index, "relevance_score": row.score, **answer.about(row)}
    return {**told, "document": row.item.passage.text} if answer.asked.texts else told
