"""REBEL with a chat generator of Haystack that answers the protocol: reads the prompt, and scores by rule."""

from __future__ import annotations

import pytest
from haystack import Document, Pipeline
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage
from tests.rebel_cases import CRITERIA, QUERY, TEXTS, said

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from haystack_integrations.components.rankers.shortlist.bridge import HaystackChat
from shortlist import Lexical
from shortlist.rerankers.rebel import Rebel

SETTINGS = {"criteria": [{"name": "Figures"}, {"kind": "recency", "key": "year", "today": "2025-01-01"}]}


def answered(messages: list[ChatMessage]) -> str:
    return said(messages[-1].text or "")


@pytest.fixture(params=["structured", "text"])
def ranker(request) -> ShortlistRanker:
    return ShortlistRanker(Rebel(HaystackChat(MockChatGenerator(response_fn=answered)), CRITERIA, mode=request.param))


@pytest.fixture
def documents() -> list[Document]:
    years = (2025, 2024, None, 2025)
    made = zip(TEXTS, years, strict=True)
    return [
        Document(id=f"d{i}", content=text, meta={"year": year} if year else {}) for i, (text, year) in enumerate(made)
    ]


def check(output: dict, given: list[Document]) -> None:
    kept = output["documents"]
    assert [document.id for document in kept] == ["d2", "d1"]
    reasons = [document.meta["relevance_reasons"] for document in kept]
    assert reasons[0] == {"relevance": 9.0, "Figures": 2.0, "Recency": "unknown"}
    assert reasons[1] == {"relevance": 7.5, "Figures": 1.0, "Recency": pytest.approx(2.5, abs=0.01)}
    assert [document.score for document in kept] == pytest.approx(
        [9 + 1 + 0.5 * 12.5 / 3, 7.5 + 0.5 + 0.5 * 2.5], abs=0.01
    )
    assert output["meta"]["reasons"] == {document.id: document.meta["relevance_reasons"] for document in kept}
    assert output["meta"]["dropped"]["d0"].startswith("relevance 0 is below 3")
    assert all("relevance_reasons" not in document.meta for document in given)


def test_sync(ranker, documents):
    check(ranker.run(query=QUERY, documents=documents), documents)


async def test_async(ranker, documents):
    check(await ranker.run_async(query=QUERY, documents=documents), documents)


def test_by_name_with_the_generator_of_the_framework(documents):
    ranker = ShortlistRanker("rebel", settings=SETTINGS, chat_generator=MockChatGenerator(response_fn=answered))
    check(ranker.run(query=QUERY, documents=documents), documents)


def test_in_a_pipeline_that_was_written_down(documents):
    pipeline = Pipeline()
    pipeline.add_component(
        "ranker", ShortlistRanker("rebel", settings=SETTINGS, chat_generator=MockChatGenerator("none"))
    )
    again = Pipeline.loads(pipeline.dumps())
    again.get_component("ranker").chat_generator = MockChatGenerator(response_fn=answered)
    check(again.run({"ranker": {"query": QUERY, "documents": documents}})["ranker"], documents)


def test_reasons_of_an_earlier_stage_go(ranker, documents):
    first = ranker.run(query=QUERY, documents=documents)["documents"]
    second = ShortlistRanker(Lexical()).run(query=QUERY, documents=first)["documents"]
    assert all("relevance_reasons" in document.meta for document in first)
    assert all("relevance_reasons" not in document.meta for document in second)
