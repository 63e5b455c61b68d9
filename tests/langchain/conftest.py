from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

pytest.importorskip("langchain_core")

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import SimpleChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import Field

from shortlist import ChatModel, ChatRequest, Message, Passage, Plan, Ranking, Reranker
from shortlist.models.base import Pair, Text
from shortlist.models.fakes import HashEmbedder, OverlapScorer
from shortlist.plan import Call
from shortlist.reranker.registry import registered

TEXTS = (
    "Bread needs yeast and time.",
    "The moon pulls the sea and so causes tides.",
    "Tides are caused by the moon and the sun.",
    "A cello has four strings.",
    "Salt is white.",
)
QUESTION = "what causes tides of the sea?"


class OverlapChat(SimpleChatModel):
    """Answers with the number of words that both lines of the prompt have; natively sync and async."""

    asynchronous: list[bool] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "overlap"

    def _call(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        self.asynchronous.append(_in_loop())
        query, text = (set(line.lower().strip("?.").split()) for line in messages[-1].text.split("\n"))
        return str(len(query & text))

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return self._generate(messages, stop, None, **kwargs)


class WordEmbeddings(Embeddings):
    """Word overlap as cosine, and a note of each call and of whether it came through the async form."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def embed_query(self, text: str) -> list[float]:
        self.calls.append(("query", 1))
        return self._vectors([text])[0]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.calls.append(("documents", len(texts)))
        return self._vectors(texts)

    async def aembed_query(self, text: str) -> list[float]:
        self.calls.append(("aquery", 1))
        return self._vectors([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        self.calls.append(("adocuments", len(texts)))
        return self._vectors(texts)

    def _vectors(self, texts: Sequence[str]) -> list[list[float]]:
        return [reply.value.tolist() for reply in HashEmbedder().answer([Text(t) for t in texts], Call())]


class OverlapCrossEncoder(BaseCrossEncoder):
    """The share of the query's words that the text has, as NumPy scalars."""

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        replies = OverlapScorer().answer([Pair(*pair) for pair in text_pairs], Call())
        return [np.float32(reply.value) for reply in replies]  # type: ignore[misc]


@dataclass(frozen=True)
class Judge(Reranker):
    """One prompt a passage; the answer is the score."""

    name = "judge"

    chat: ChatModel

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        prompts = [ChatRequest((Message("user", f"{query}\n{passage.text}"),)) for passage in passages]
        replies = yield from self.chat.chat(prompts)
        return Ranking.by_score(passages, [float(reply.text) for reply in replies], "utility")


@dataclass(frozen=True)
class ByScore(Reranker):
    """The retriever's score; without one, its order. Shows what an adapter read of a document."""

    name = "by-score"

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        yield from ()
        scores = [0.0 if p.score is None else p.score for p in passages]
        return Ranking.by_score(passages, scores, "utility")


class Starts:
    """Counts the starts of runs, and keeps who was the parent of whom."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, Any, Any]] = []

    def note(self, kind: str, run_id: Any, parent_run_id: Any) -> None:
        self.runs.append((kind, run_id, parent_run_id))

    def of(self, kind: str) -> list[tuple[Any, Any]]:
        return [(run, parent) for each, run, parent in self.runs if each == kind]


class SyncHandler(Starts, BaseCallbackHandler):
    def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: Any, parent_run_id: Any = None, **_: Any):
        self.note("llm", run_id, parent_run_id)

    def on_retriever_start(self, serialized: Any, query: Any, *, run_id: Any, parent_run_id: Any = None, **_: Any):
        self.note("retriever", run_id, parent_run_id)

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: Any, parent_run_id: Any = None, **_: Any):
        self.note("chain", run_id, parent_run_id)


class AsyncHandler(Starts, AsyncCallbackHandler):
    async def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: Any, parent_run_id: Any = None, **_: Any
    ):
        self.note("llm", run_id, parent_run_id)

    async def on_retriever_start(
        self, serialized: Any, query: Any, *, run_id: Any, parent_run_id: Any = None, **_: Any
    ):
        self.note("retriever", run_id, parent_run_id)


class ListRetriever(BaseRetriever):
    """Gives all its documents."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return list(self.documents)


@pytest.fixture
def question() -> str:
    return QUESTION


@pytest.fixture
def documents() -> list[Document]:
    return [
        Document(page_content=text, id=f"d{i}", metadata={"source": "book", "start_index": 10 * i, "tags": ["t"]})
        for i, text in enumerate(TEXTS)
    ]


@pytest.fixture(autouse=True)
def test_rerankers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered for the test alone, so that they can be asked for by name."""
    for cls in (Judge, ByScore):
        monkeypatch.setitem(registered(), cls.name, cls)  # type: ignore[arg-type]


@pytest.fixture
def chat() -> OverlapChat:
    return OverlapChat()


@pytest.fixture
def embeddings() -> WordEmbeddings:
    return WordEmbeddings()


@pytest.fixture
def cross_encoder() -> OverlapCrossEncoder:
    return OverlapCrossEncoder()


@pytest.fixture(params=[SyncHandler, AsyncHandler])
def handler(request: pytest.FixtureRequest) -> Starts:
    return request.param()


@pytest.fixture
def sync_handler() -> Starts:
    return SyncHandler()


@pytest.fixture
def base(documents: list[Document]) -> ListRetriever:
    return ListRetriever(documents=documents)


@pytest.fixture
def vector_retriever(documents: list[Document]) -> BaseRetriever:
    store = InMemoryVectorStore(WordEmbeddings())
    store.add_documents(documents)
    return store.as_retriever(search_kwargs={"k": 5})


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return threading.current_thread() is threading.main_thread()
