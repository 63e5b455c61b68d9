"""`/rerank`: the shape of text-embeddings-inference (its `docs/openapi.json`), which answers for every text.

Other clients ask at the same path with `documents`: they are answered in the shape of `/v1/rerank`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from shortlist import __version__
from shortlist.serving.settings import ServingSettings
from shortlist.serving.wire.answer import Answer, Row
from shortlist.serving.wire.asked import Asked, Extras
from shortlist.serving.wire.documents import NOT_EMPTY, Documents, passages_of, texts_of
from shortlist.serving.wire.jina import RerankReply, RerankRequest

_EXAMPLE: dict[str, Any] = {
    "query": "what causes the tides",
    "texts": ["The moon pulls at the water.", "Bread rises by yeast."],
}


class TeiRequest(Extras):
    """A query and texts, as TEI takes them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    model: str | None = Field(None, description="Name of a pipeline; the first one by default. TEI has no such field.")
    query: str = Field(description="What the user asked.")
    texts: Documents = Field(description="What was found, in the order of the retriever.", json_schema_extra=NOT_EMPTY)
    return_text: bool = Field(default=False, description="Whether results repeat their texts.")
    truncate: bool | None = Field(None, description="Taken and without effect: models cut what is too long.")
    truncation_direction: Literal["left", "right", "Left", "Right"] | None = Field(
        None, description="Taken and without effect."
    )

    def contents(self) -> list[str]:
        """What the texts say."""
        return texts_of(self.texts)

    def asked(self) -> Asked:
        """The request in the words of the house.

        Raises:
            InputError: embeddings differ in size.
        """
        return Asked(self.model, self.query, passages_of(self.texts), None, self.return_text, self)


class Rank(BaseModel):
    """One text in its place."""

    index: int = Field(description="Its place in the request, from 0.", ge=0)
    score: float = Field(description="Higher is better.")
    text: str | None = None
    reasons: dict[str, float | str | None] | None = Field(None, description="What is behind the score, if asked for.")
    dropped: str | None = Field(None, description="Why the pipeline dropped it; it then stands below all it kept.")


class TeiReply(RootModel[list[Rank]]):
    """Every text, best first."""


def _shape(body: object) -> str:
    fields = body if isinstance(body, dict) else {}
    other = isinstance(body, RerankRequest) or ("documents" in fields and "texts" not in fields)
    return "with documents" if other else "with texts"


TAGS = frozenset({"with texts", "with documents"})
"""Steps in the path of a fault that stand for a choice of shape, and are no part of the request."""

AnyRequest: TypeAlias = Annotated[
    Annotated[TeiRequest, Tag("with texts")] | Annotated[RerankRequest, Tag("with documents")], Discriminator(_shape)
]
AnyReply: TypeAlias = TeiReply | RerankReply


def reply(answer: Answer, request_id: str) -> list[dict[str, Any]]:  # noqa: ARG001 - a list has no place for the id
    """What the client is told: a list, with one entry for each text."""
    return [_rank(answer, row) for row in answer.rows()]


def _rank(answer: Answer, row: Row) -> dict[str, Any]:
    told = {"index": row.item.index, "score": row.score, **answer.about(row)}
    return {**told, "text": row.item.passage.text} if answer.asked.texts else told


class Info(BaseModel):
    """What the server is, in TEI's words."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str = Field(description="The default pipeline.")
    model_sha: str | None = None
    model_dtype: str = "float32"
    model_type: dict[str, Any]
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_client_batch_size: int
    auto_truncate: bool = True
    tokenization_workers: int = 1
    version: str = __version__
    sha: str | None = None
    docker_label: str | None = None


def info(default: str, settings: ServingSettings) -> Info:
    """What a client of TEI asks before it sends batches."""
    return Info(
        model_id=default,
        model_type={"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
        max_concurrent_requests=settings.queue,
        max_input_length=settings.max_tokens,
        max_batch_tokens=settings.max_tokens,
        max_client_batch_size=settings.max_passages,
    )
