"""`/v1/rerank`: the shape of Jina (api.jina.ai/redoc), and of Cohere's first version in the same reply.

vLLM, Xinference, LocalAI and many others answer in it too.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shortlist.serving.wire.answer import Answer, Row
from shortlist.serving.wire.documents import Count
from shortlist.serving.wire.request import EXAMPLE, DocumentsRequest


class RerankRequest(DocumentsRequest):
    """A query and documents, as Jina and Cohere (first version) take them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "top_n": 2}]})

    top_n: Count | None = Field(None, description="How many results to return at most.")

    @property
    def at_most(self) -> int | None:
        """How many results to return."""
        return self.top_n


class Told(BaseModel):
    """The text of a document."""

    text: str


class Result(BaseModel):
    """One document in its place."""

    index: int = Field(description="Its place in the request, from 0.")
    relevance_score: float = Field(description="Higher is better.")
    document: Told | None = None
    reasons: dict[str, float | str | None] | None = Field(None, description="What is behind the score, if asked for.")
    dropped: str | None = Field(None, description="Why the pipeline dropped it, where dropped ones are listed too.")


class Dropped(BaseModel):
    """A document that the pipeline did not keep."""

    index: int
    reason: str
    relevance_score: float | None = None
    reasons: dict[str, float | str | None] | None = None


class Beside(BaseModel):
    """What stands in every reply that is an object, beside its results."""

    score_kind: str = Field("probability", description="logit, probability, cosine, rank or utility.")
    degraded: str | None = Field(None, description="Why a fallback or a partial result answered.")
    repairs: list[str] | None = Field(None, description="What malformed input or output was mended.")
    dropped: list[Dropped] | None = Field(None, description="What was not kept, if asked for.")
    trace: list[dict[str, Any]] | None = Field(None, description="What models were asked, round by round.")


class RerankReply(Beside):
    """Results, best first."""

    id: str = Field(description="Of the request.")
    model: str = Field(description="The pipeline that ranked.")
    results: list[Result]
    usage: dict[str, float | int | None] = Field(examples=[{"total_tokens": 0, "prompt_tokens": 0}])
    meta: dict[str, Any] = Field(description="The same, where Cohere's clients look for it.")


def reply(answer: Answer, request_id: str) -> dict[str, Any]:
    """What the client is told."""
    return {
        "id": request_id,
        "model": answer.pipeline,
        "results": [result(answer, row) for row in answer.rows()],
        "usage": answer.usage(),
        "meta": meta(answer, "1"),
        **answer.beside(),
    }


def result(answer: Answer, row: Row) -> dict[str, Any]:
    """One result; the document only where the request wants it."""
    told = {"index": row.item.index, "relevance_score": row.score, **answer.about(row)}
    return {**told, "document": {"text": row.item.passage.text}} if answer.asked.texts else told


def meta(answer: Answer, version: str) -> dict[str, Any]:
    """Tokens and units, where Cohere's clients look for them."""
    used = answer.ranking.usage
    return {
        "api_version": {"version": version},
        "billed_units": {"search_units": 1},
        "tokens": {"input_tokens": used.tokens_in, "output_tokens": used.tokens_out},
    }
