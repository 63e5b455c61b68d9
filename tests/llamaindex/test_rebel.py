"""REBEL with an LLM of LlamaIndex that answers the protocol: reads the prompt, and scores by rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import MockLLM
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode
from tests.rebel_cases import CRITERIA, QUERY, TEXTS, said

from llama_index.postprocessor.shortlist import LlamaIndexChat, ShortlistRerank
from shortlist import Lexical, Mmr
from shortlist.models.fakes import HashEmbedder
from shortlist.rerankers.rebel import Rebel


class RulingLLM(MockLLM):
    """Relevance is from the words shared with the question, figures are counted. JSON where it is asked for, else lines."""

    _asked: list[str] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[str]:
        return self._asked

    def _ruled(self, how: str, messages: Sequence[ChatMessage]) -> ChatResponse:
        prompt = str(messages[-1].content)
        self._asked.append(how)
        text = f"```json\n{said(prompt)}\n```" if "Answer with JSON" in prompt else said(prompt)
        return ChatResponse(message=ChatMessage(role="assistant", content=text))

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._ruled("chat", messages)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._ruled("achat", messages)


@pytest.fixture
def llm() -> RulingLLM:
    return RulingLLM()


@pytest.fixture
def nodes() -> list[NodeWithScore]:
    years = (2025, 2024, None, 2025)
    made = [
        TextNode(id_=f"n{i}", text=text, metadata={"year": year} if year else {}, excluded_embed_metadata_keys=["year"])
        for i, (text, year) in enumerate(zip(TEXTS, years, strict=True))
    ]
    return [NodeWithScore(node=node) for node in made]


@pytest.fixture(params=["structured", "text"])
def rerank(request, llm) -> ShortlistRerank:
    return ShortlistRerank(reranker=Rebel(LlamaIndexChat(llm), CRITERIA, mode=request.param))


def check(kept: list[NodeWithScore], given: list[NodeWithScore]) -> None:
    assert [item.node.id_ for item in kept] == ["n2", "n1"]
    reasons = [item.node.metadata["relevance_reasons"] for item in kept]
    assert reasons[0] == {"relevance": 9.0, "Figures": 2.0, "Recency": "unknown"}
    assert reasons[1] == {"relevance": 7.5, "Figures": 1.0, "Recency": pytest.approx(2.5, abs=0.01)}
    assert [item.score for item in kept] == pytest.approx([9 + 1 + 0.5 * 12.5 / 3, 7.5 + 0.5 + 0.5 * 2.5], abs=0.01)
    assert all("relevance_reasons" not in item.node.metadata for item in given)


def test_sync(rerank, llm, nodes):
    check(rerank.postprocess_nodes(nodes, query_str=QUERY), nodes)
    assert llm.asked == ["chat"]


async def test_async(rerank, llm, nodes):
    check(await rerank.apostprocess_nodes(nodes, query_str=QUERY), nodes)
    assert llm.asked == ["achat"]


def test_by_name_with_the_llm_of_the_framework(llm, nodes):
    settings = {"criteria": [{"name": "Figures"}, {"kind": "recency", "key": "year", "today": "2025-01-01"}]}
    rerank = ShortlistRerank(reranker="rebel", settings=settings, llm=llm, top_n=2)
    check(rerank.postprocess_nodes(nodes, query_str=QUERY), nodes)


def test_in_a_query_engine(rerank, llm, embed_model):
    index = VectorStoreIndex(
        [TextNode(id_=f"n{i}", text=text) for i, text in enumerate(TEXTS)], embed_model=embed_model
    )
    engine = index.as_query_engine(llm=MockLLM(), similarity_top_k=4, node_postprocessors=[rerank])
    sources = engine.query(QUERY).source_nodes
    assert [item.node.metadata["relevance_reasons"]["relevance"] for item in sources] == [9.0, 7.5]


@pytest.mark.parametrize("mode", [MetadataMode.LLM, MetadataMode.EMBED])
def test_no_score_finds_its_way_into_a_prompt(rerank, nodes, mode):
    (best, _) = rerank.postprocess_nodes(nodes, query_str=QUERY)
    assert best.node.get_content(mode) == nodes[2].node.get_content(mode)
    assert "relevance_reasons" in best.node.get_content(MetadataMode.ALL)


def test_a_node_without_reasons_is_handed_on_as_it_is(nodes):
    kept = ShortlistRerank(reranker=Lexical()).postprocess_nodes(nodes, query_str=QUERY)
    assert {id(item.node) for item in kept} == {id(item.node) for item in nodes}


def test_reasons_of_an_earlier_stage_go(rerank, nodes):
    first = rerank.postprocess_nodes(nodes, query_str=QUERY)
    second = ShortlistRerank(reranker=Lexical()).postprocess_nodes(first, query_str=QUERY)
    third = ShortlistRerank(reranker=Mmr(embedder=HashEmbedder())).postprocess_nodes(first, query_str=QUERY)
    assert all("relevance_reasons" not in item.node.metadata for item in second)
    assert all("Figures" not in item.node.metadata["relevance_reasons"] for item in third)
    assert all("Figures" in item.node.metadata["relevance_reasons"] for item in first)
