"""REBEL with chat models of LangChain that answer the protocol: read the prompt, and score by rule."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field
from tests.rebel_cases import CRITERIA, QUERY, TEXTS, ruled, said

from langchain_shortlist import ShortlistCompressor
from langchain_shortlist.bridge import LangChainChat
from shortlist import Lexical
from shortlist.rerankers.rebel import Rebel


class RulingChat(BaseChatModel):
    """Relevance is from the words shared with the question, figures are counted. Lines where lines are asked for."""

    asked: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "ruling"

    def _message(self, messages: Any, **kwargs: Any) -> AIMessage:
        return AIMessage(said(messages[-1].text))

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.asked.append("sync")
        return ChatResult(generations=[ChatGeneration(message=self._message(messages, **kwargs))])

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        await asyncio.sleep(0)
        self.asked.append("async")
        return ChatResult(generations=[ChatGeneration(message=self._message(messages, **kwargs))])


class ToolRulingChat(RulingChat):
    """Structured output as most providers do it: it calls the one tool that it is bound to."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=tools)

    def _message(self, messages: Any, **kwargs: Any) -> AIMessage:
        if not kwargs.get("tools"):
            return super()._message(messages)
        schema = kwargs["tools"][0]
        found = ruled(messages[-1].text)
        assert set(schema["properties"]["scores"]["required"]) == set(found), "the schema is of this very batch"
        return AIMessage(
            "", tool_calls=[{"name": schema["title"], "args": {"scores": found}, "id": "1", "type": "tool_call"}]
        )


@pytest.fixture(params=[(RulingChat, "structured"), (RulingChat, "text"), (ToolRulingChat, "structured")])
def compressor(request) -> ShortlistCompressor:
    kind, mode = request.param
    return ShortlistCompressor(reranker=Rebel(LangChainChat(kind()), CRITERIA, mode=mode))


@pytest.fixture
def documents() -> list[Document]:
    years = (2025, 2024, None, 2025)
    made = zip(TEXTS, years, strict=True)
    return [
        Document(id=f"d{i}", page_content=text, metadata={"year": year} if year else {})
        for i, (text, year) in enumerate(made)
    ]


def check(kept: list[Document], given: list[Document]) -> None:
    assert [document.id for document in kept] == ["d2", "d1"]
    reasons = [document.metadata["relevance_reasons"] for document in kept]
    assert reasons[0] == {"relevance": 9.0, "Figures": 2.0, "Recency": "unknown"}
    assert reasons[1] == {"relevance": 7.5, "Figures": 1.0, "Recency": pytest.approx(2.5, abs=0.01)}
    scores = [document.metadata["relevance_score"] for document in kept]
    assert scores == pytest.approx([9 + 1 + 0.5 * 12.5 / 3, 7.5 + 0.5 + 0.5 * 2.5], abs=0.01)
    assert all("relevance_reasons" not in document.metadata for document in given)


def asked(compressor: ShortlistCompressor) -> list[str]:
    return compressor.reranker.model.llm.asked  # type: ignore[union-attr]


def test_sync(compressor, documents):
    check(compressor.compress_documents(documents, QUERY), documents)
    assert asked(compressor) == ["sync"]


async def test_async(compressor, documents):
    check(await compressor.acompress_documents(documents, QUERY), documents)
    assert asked(compressor) == ["async"]


def test_by_name_with_the_llm_of_the_framework(documents):
    settings = {"criteria": [{"name": "Figures"}, {"kind": "recency", "key": "year", "today": "2025-01-01"}]}
    compressor = ShortlistCompressor(reranker="rebel", settings=settings, llm=ToolRulingChat(), top_n=2)
    check(compressor.compress_documents(documents, QUERY), documents)


def test_in_a_chain(compressor, documents):
    chain = compressor.as_runnable()
    check(chain.invoke({"query": QUERY, "documents": documents}), documents)


def test_reasons_of_an_earlier_stage_go(compressor, documents):
    first = compressor.compress_documents(documents, QUERY)
    second = ShortlistCompressor(reranker=Lexical()).compress_documents(first, QUERY)
    assert all("relevance_reasons" in document.metadata for document in first)
    assert all("relevance_reasons" not in document.metadata for document in second)
