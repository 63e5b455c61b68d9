"""How many, how different, or none: each of those rerankers as one line in a query engine, and one after the other."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import MockLLM
from llama_index.core.schema import MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode
from tests.selection_cases import ABSTAINING, ASKING, HOPELESS, LINES, MORE, QUERY, TEXTS, expected, made, named, said

from llama_index.postprocessor.shortlist import LlamaIndexEmbedder, ShortlistRerank
from shortlist import ConformalCut, CrossEncoder, Mmr, Passage, StaticEmbedder, WeightsError
from shortlist.models.fakes import HashEmbedder, OverlapScorer

every_line = pytest.mark.parametrize("line", LINES)


class SayingLLM(MockLLM):
    """LlamaIndex's mock, which says what it is told to, or that nothing is needed, and notes how it was asked."""

    _text: str = PrivateAttr(default="")
    _asked: list[str] = PrivateAttr(default_factory=list)

    def _says(self, how: str, messages: Any) -> ChatResponse:
        self._asked.append(how)
        text = "None" if HOPELESS in str(messages[-1].content) else self._text
        return ChatResponse(message=ChatMessage(role="assistant", content=text))

    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return self._says("chat", messages)

    async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return self._says("achat", messages)


@pytest.fixture
def models(line, embed_model) -> dict[str, Any]:
    llm = SayingLLM()
    llm._text = said(line)
    return {"embed_model": embed_model, "llm": llm}


@pytest.fixture
def rerank(line, models) -> ShortlistRerank:
    return ShortlistRerank(reranker=line, **models)


def made_index(texts: dict[str, str], embed_model: Any) -> VectorStoreIndex:
    nodes = [
        TextNode(
            id_=name,
            text=text,
            metadata={"topic": name[0]},
            excluded_embed_metadata_keys=["topic"],
            excluded_llm_metadata_keys=["topic"],
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="book")},
        )
        for name, text in texts.items()
    ]
    return VectorStoreIndex(nodes, embed_model=embed_model)


@pytest.fixture
def index(embed_model) -> VectorStoreIndex:
    return made_index(TEXTS, embed_model)


def engine(index, *reranks):
    return index.as_query_engine(llm=MockLLM(), similarity_top_k=20, node_postprocessors=[*reranks])


def retrieved(index):
    return index.as_retriever(similarity_top_k=20).retrieve(QUERY)


def ranked(reranker, found):
    """What the core makes of the same passages."""
    return reranker.rank(QUERY, [Passage(n.text, n.node_id, n.score, None, "book", None, n.metadata) for n in found])


def told(nodes) -> list[tuple[str, Any, Any]]:
    return [(item.node_id, item.score, item.metadata.get("relevance_reasons", {})) for item in nodes]


def ids(nodes) -> list[str]:
    return [item.node_id for item in nodes]


@every_line
async def test_each_by_name_in_a_query_engine(line, index, rerank):
    asking, found = engine(index, rerank), retrieved(index)
    core = expected(ranked(made(line, HashEmbedder()), found))
    assert core != told(found)  # so it does something here
    for response in (asking.query(QUERY), await asking.aquery(QUERY)):
        assert told(response.source_nodes) == core
        assert all(item.text == TEXTS[item.node_id] for item in response.source_nodes)
        assert all(item.metadata["topic"] == item.node_id[0] for item in response.source_nodes)
        assert all(item.node.ref_doc_id == "book" for item in response.source_nodes)
        assert all(item.node.get_content(MetadataMode.LLM) == item.text for item in response.source_nodes)
    assert rerank.llm._asked == (["chat", "achat"] if named(line) in ASKING else [])


@every_line
def test_nodes_that_came_in_are_as_they_were(line, index, rerank):
    before = copy.deepcopy(found := retrieved(index))
    rerank.postprocess_nodes(found, query_str=QUERY)
    assert found == before


@every_line
def test_each_is_written_down_as_a_line_and_as_an_object(line, index, rerank, models):
    found = retrieved(index)
    for one, given in ((rerank, models), (ShortlistRerank(reranker=made(line, StaticEmbedder())), {})):
        again = ShortlistRerank.from_dict(json.loads(json.dumps(one.to_dict())), **given)
        assert again.to_dict() == one.to_dict()
        wanted = one.rank_nodes(found, QUERY).kept
        assert again.rank_nodes(found, QUERY).kept == wanted
        assert pickle.loads(pickle.dumps(one)).rank_nodes(found, QUERY).kept == wanted


KEPT = {
    "near-duplicates(threshold=0.9, action='drop')": "moon spring sun rock twice cello bread",
    "lost-in-the-middle(k=4)": "moon spring sun again",
    "reverse(k=3)": "spring again moon",
    "threshold-cut(threshold=0.5)": "moon again spring sun rock",
    "mmr(diversity=1.0, k=2)": "moon bread",
    "token-budget(budget=21)": "moon again",
    "mmr(diversity=0.0)": "moon again spring sun rock twice cello bread",
}


@pytest.mark.parametrize("line", KEPT)
def test_what_is_kept_in_which_order_and_why_the_others_are_not(line, index, rerank):
    found = retrieved(index)
    kept = ids(rerank.postprocess_nodes(found, query_str=QUERY))
    assert kept == KEPT[line].split()
    ranking = rerank.rank_nodes(found, QUERY)
    lost = {item.passage.id: ranking.why_dropped(item) for item in ranking.dropped}
    assert lost.keys() == TEXTS.keys() - set(kept) and all(lost.values())


def test_the_best_are_chosen_before_they_are_placed(index):
    rerank = ShortlistRerank(reranker="lost-in-the-middle", top_n=4)
    placed = rerank.postprocess_nodes(retrieved(index), query_str=QUERY)
    assert ids(placed) == KEPT["lost-in-the-middle(k=4)"].split()


async def check_composed(embed_model, rerank, core) -> list[str]:
    """Both make the same of twenty nodes; the more is to be covered, the more are kept of one order, which is given."""
    index = made_index(TEXTS | MORE, embed_model)
    found, kept = retrieved(index), []
    for coverage in (0.5, 0.9):
        asking = engine(index, ShortlistRerank(reranker=rerank(coverage)))
        responses = [asking.query(QUERY), await asking.aquery(QUERY)]
        assert [told(each.source_nodes) for each in responses] == [expected(ranked(core(coverage), found))] * 2
        kept.append(ids(responses[0].source_nodes))
    few, more = kept
    assert few == more[: len(few)]
    assert 0 < len(few) < len(more) <= len(found) == 20
    return more


async def test_stages_compose(embed_model):
    def with_embedder(embedder):
        first = CrossEncoder(OverlapScorer()) >> Mmr(diversity=0.3, embedder=embedder)
        return lambda coverage: first >> ConformalCut(coverage, "ms-marco-minilm-mmr")

    bridged = with_embedder(LlamaIndexEmbedder(embed_model))
    order = await check_composed(embed_model, bridged, with_embedder(HashEmbedder()))
    assert order[:3] == ["moon", "again", "spring"]


@pytest.mark.slow
@pytest.mark.models
async def test_the_composed_line_with_a_real_cross_encoder(embed_model):
    try:
        CrossEncoder().warm_up()
    except WeightsError as error:
        pytest.skip(str(error))
    line = "cross-encoder >> mmr(diversity=0.3) >> conformal-cut(coverage={}, calibration='ms-marco-minilm-mmr')"
    first = CrossEncoder() >> Mmr(diversity=0.3)
    order = await check_composed(embed_model, line.format, lambda c: first >> ConformalCut(c, "ms-marco-minilm-mmr"))
    assert order[0] == "moon"


@pytest.mark.parametrize("line", ABSTAINING.values(), ids=ABSTAINING)
@pytest.mark.parametrize("after", [[], ["mmr", "reverse"]], ids=["alone", "others after it"])
async def test_no_nodes_go_through_a_query_engine(line, after, index, rerank, models):
    asking = engine(index, rerank, *(ShortlistRerank(reranker=each, **models) for each in after))
    for response in (asking.query(HOPELESS), await asking.aquery(HOPELESS)):
        assert response.source_nodes == []
        assert response.response == "Empty Response"
    dropped = rerank.rank_nodes(retrieved(index), HOPELESS).dropped
    assert {item.passage.id for item in dropped} == set(TEXTS)
    assert all(item.reasons["dropped"] for item in dropped)


@pytest.mark.parametrize("line", list(ABSTAINING.values())[:2])
def test_a_question_that_can_be_answered_is(line, index, rerank):
    assert ids(engine(index, rerank).query(QUERY).source_nodes)[0] == "moon"


async def test_a_mark_stands_in_the_metadata_and_in_no_prompt(index, embed_model):
    line = "lexical >> abstain(threshold=0.5, confidence='max', then='mark')"
    asking = engine(index, ShortlistRerank(reranker=line))
    for response in (asking.query(HOPELESS), await asking.aquery(HOPELESS)):
        assert set(ids(response.source_nodes)) == set(TEXTS)
        for item in response.source_nodes:
            reasons = item.metadata["relevance_reasons"]
            assert reasons == {"confidence": 0.0, "abstain": "max confidence 0 is below 0.5"}
            assert item.node.get_content(MetadataMode.LLM) == TEXTS[item.node_id]
    answered = asking.query(QUERY).source_nodes
    assert all("abstain" not in item.metadata["relevance_reasons"] for item in answered)
