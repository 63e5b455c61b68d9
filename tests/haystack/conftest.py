from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

pytest.importorskip("haystack")

import haystack.tracing
from haystack import Document, component
from haystack.dataclasses import ChatMessage
from haystack.tracing.tracer import Span, Tracer

from shortlist import ChatModel, ChatRequest, Message, Passage, Plan, Ranking, Reranker
from shortlist.models.base import Text
from shortlist.models.fakes import HashEmbedder
from shortlist.plan import Call
from shortlist.reranker.registry import registered

QUERY = "what causes tides?"
TEXTS = {
    "bread": "Bread needs yeast and time.",
    "moon": "The moon pulls the sea, and so causes tides.",
    "sun": "Tides are also made by the sun.",
    "odd": "Is this it?",
}


def words(text: str) -> list[float]:
    """A vector that shares directions with texts that share words."""
    (reply,) = HashEmbedder(32).answer([Text(text)], Call())
    return [float(x) for x in reply.value]


@component
class WordTextEmbedder:
    """Sync only, like an embedder in the process; counts what is done to it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def warm_up(self) -> None:
        self.calls.append("warm_up")

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        self.calls.append(text)
        return {"embedding": words(text), "meta": {"usage": {"prompt_tokens": len(text.split())}}}


@component
class WordDocumentEmbedder:
    """Sync only; gives its documents back in another order."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        self.sizes.append(len(documents))
        done = [replace(document, embedding=words(document.content or "")) for document in reversed(documents)]
        return {"documents": done, "meta": {"usage": {"prompt_tokens": 7}}}


class Lifecycle:
    """A chat generator that says `yes` where a passage speaks of tides, and notes how it was used."""

    model = "yes-man"

    def __init__(self) -> None:
        self.events: list[str] = []

    def warm_up(self) -> None:
        self.events.append("warm_up")

    def close(self) -> None:
        self.events.append("close")

    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        self.events.append("run")
        text = "yes" if "tides" in messages[-1].text.lower() else "no"
        usage = {"prompt_tokens": 11, "completion_tokens": 1}
        return {"replies": [ChatMessage.from_assistant(text, meta={"usage": usage})]}


class AsyncLifecycle(Lifecycle):
    """The same with the async forms."""

    async def warm_up_async(self) -> None:
        self.events.append("warm_up_async")

    async def close_async(self) -> None:
        self.events.append("close_async")

    async def run_async(self, messages: list[ChatMessage]) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.events.append("run_async")
        result = Lifecycle.run(self, messages)
        self.events.remove("run")
        return result


@dataclass(frozen=True)
class Judge(Reranker):
    """Asks a chat model about every passage."""

    name: ClassVar[str] = "judge"
    chat: ChatModel

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        requests = [ChatRequest((Message("system", query), Message("user", p.text))) for p in passages]
        replies = yield from self.chat.chat(requests)
        return Ranking.by_score(passages, [reply.text.startswith("yes") for reply in replies], "utility")


@dataclass(frozen=True)
class ByPlace(Reranker):
    """Puts passages in the order of document and position; drops those without either."""

    name: ClassVar[str] = "by-place"

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        yield from ()
        places = [0.0 if p.document_id != "tides" or p.position is None else float(p.position) for p in passages]
        return Ranking.by_score(passages, places, "utility", [{"why": p.text} for p in passages])


class ListSpan(Span):
    def __init__(self, name: str, parent: ListSpan | None, tags: dict[str, Any]) -> None:
        self.name, self.parent, self.tags = name, parent, tags

    def set_tag(self, key: str, value: Any) -> None:
        self.tags[key] = value


class ListTracer(Tracer):
    """Keeps every span, with its parent."""

    def __init__(self) -> None:
        self.spans: list[ListSpan] = []
        self._current: contextvars.ContextVar[ListSpan | None] = contextvars.ContextVar("span", default=None)

    @contextmanager
    def trace(
        self, operation_name: str, tags: dict[str, Any] | None = None, parent_span: Span | None = None
    ) -> Iterator[ListSpan]:
        span = ListSpan(operation_name, parent_span, dict(tags or {}))
        self.spans.append(span)
        token = self._current.set(span)
        try:
            yield span
        finally:
            self._current.reset(token)

    def current_span(self) -> ListSpan | None:
        return self._current.get()


@pytest.fixture(autouse=True)
def _test_rerankers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered for the test alone, so that they can be asked for by name; and nothing is sent to Haystack's makers."""
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")
    for cls in (Judge, ByPlace):
        monkeypatch.setitem(registered(), cls.name, cls)  # type: ignore[arg-type]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> ListTracer:
    mine = ListTracer()
    monkeypatch.setattr(haystack.tracing.tracer, "actual_tracer", mine)
    monkeypatch.setattr(haystack.tracing.tracer, "is_content_tracing_enabled", True)
    return mine


@pytest.fixture
def documents() -> list[Document]:
    return [Document(id=name, content=text, meta={"name": name}, score=0.1) for name, text in TEXTS.items()]


@pytest.fixture
def sync_generator() -> Lifecycle:
    return Lifecycle()


@pytest.fixture
def async_generator() -> AsyncLifecycle:
    return AsyncLifecycle()


@pytest.fixture
def text_embedder() -> WordTextEmbedder:
    return WordTextEmbedder()


@pytest.fixture
def document_embedder() -> WordDocumentEmbedder:
    return WordDocumentEmbedder()
