"""How servers want to be asked to rerank, and how they answer: four dialects of one conversation, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from shortlist.models.remote import by_index, count, finite, part, sendable
from shortlist.ranking import ScoreKind

DialectName: TypeAlias = Literal["cohere", "jina", "tei", "vllm"]


@dataclass(frozen=True)
class Dialect:
    """One way to ask.

    Attributes:
        path: of the endpoint below the server's address.
        limit: documents that a request may hold, unless the server was set up otherwise.
        extra: what else is sent.
        documents: the name of the list of texts in a request.
        results: the name of the list of results in a reply; None where the reply is that list.
        score: the name of the score in a result.
        score_kind: what the scores are.
    """

    path: str
    limit: int
    extra: Mapping[str, Any] = field(default_factory=dict)
    documents: str = "documents"
    results: str | None = "results"
    score: str = "relevance_score"
    score_kind: ScoreKind = "probability"

    def endpoint(self, url: str) -> str:
        """Where to send requests: `url` may be a server, its versioned root (`.../v1`), or the endpoint itself."""
        last = url.rpartition("/")[2]
        if last == "rerank" or "?" in url:
            return url
        return f"{url}/rerank" if last in {"v1", "v2"} else url + self.path

    def request(self, name: str | None, query: str, texts: Sequence[str]) -> dict[str, Any]:
        """The body of a request for one score a text."""
        named = {"model": name} if name is not None else {}
        asked = {"query": sendable(query), self.documents: [sendable(text) for text in texts]}
        every = {"top_n": len(texts)} if self.results else {}
        return {**named, **asked, **every, **self.extra}

    def scores(self, answer: Any, n: int) -> list[float]:
        """One score a text, in the order of the request.

        Raises:
            BadAnswer: a text has none, or two, or one that is not a finite number; or there is one for no text.
        """
        rows = answer if self.results is None else part(answer).get(self.results)
        return [finite(score) for score in by_index(rows, n, self.score)]


# Cohere: docs.cohere.com/reference/rerank (v2). Jina: api.jina.ai/redoc. TEI: `router/src/http` of
# text-embeddings-inference; `max_client_batch_size` is 32. vLLM: `entrypoints/pooling/scoring/protocol.py`.
# TEI and vLLM refuse a whole request for one long text unless told to cut it.
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "cohere": Dialect("/v2/rerank", 1000),
        "jina": Dialect("/v1/rerank", 1000, {"return_documents": False}),
        "tei": Dialect("/rerank", 32, {"raw_scores": False, "truncate": True}, "texts", None, "score"),
        "vllm": Dialect("/v1/rerank", 1000, {"truncate_prompt_tokens": -1, "use_activation": True}),
    }
)


def usage(answer: Any, headers: Mapping[str, str]) -> tuple[int, int]:
    """Tokens read and search units billed, wherever a server says so: Jina and vLLM, Cohere, TEI in that order."""
    told = part(answer, "usage")
    tokens = count(told.get("total_tokens")) or count(told.get("prompt_tokens"))
    tokens = tokens or count(part(answer, "meta", "tokens").get("input_tokens"))
    tokens = tokens or count(headers.get("x-compute-tokens"))
    return tokens, count(part(answer, "meta", "billed_units").get("search_units")) or 1
