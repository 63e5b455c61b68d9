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

from llama_index.postprocessor.shortlist import LlamaIndexEmbedder, ShortlistRerank
from shortlist import ConformalCut, CrossEncoder, Mmr, Passage, StaticEmbedder, WeightsError, load, registered
from shortlist.models.fakes import ConstantChat, HashEmbedder, OverlapScorer
from shortlist.rerankers.covering import Covering
from shortlist.rerankers.cut import Cut
from shortlist.rerankers.diversity import Selection
from shortlist.rerankers.placement import Placement

QUERY = "what causes the tides of the sea?"
HOPELESS = "which team won?"
TEXTS = {
    "moon": "The moon causes the tides of the sea.",
    "again": "Of the sea the tides the moon causes, again.",
    "sun": "The sun causes tides too, less than the moon.",
    "spring": "What causes spring tides is a full moon in line with the sun.",
    "bread": "Bread needs yeast, and time to rise in.",
    "twice": "High water comes twice a day to the sea.",
    "rock": "The moon is made of rock.",
    "cello": "A cello has four strings.",
}
MORE = {f"more {i}": f"Thing{i} stands in land{i} by town{i}." for i in range(12)}
SAID = {"dynamic-rag": "[2] > [1]", "knowledge-aware": '["what pulls the sea", "spring tides"]'}
LINES = [
    "mmr(diversity=0.6)",
    "msd(diversity=0.2, k=4)",
    "dpp(diversity=0.6, k=4)",
    "ssd(diversity=0.6, window=3)",
    "facility-location(k=3)",
    "farthest-first(k=3)",
    "near-duplicates(threshold=0.9)",
    "lost-in-the-middle",
    "reverse(k=5)",
    "gap-cut(max_k=3)",
    "elbow-cut",
    "nucleus-cut(share=0.8, temperature=0.1)",
    "threshold-cut(threshold=0.4)",
    "information-cut(share=0.9)",
    "token-budget(budget=24)",
    "calibrate(calibration='static')",
    "conformal-cut(coverage=0.8, calibration='static')",
    "dynamic-k(cost=0.2)",  # whose network reads vectors of the static model, whatever the framework has
    "abstain(reference='static')",
    "xquad(k=4)",
    "pm2(subtopics={'kind': 'metadata'}, k=4)",
    "knowledge-aware(k=4)",
    "dynamic-rag",
]
every_line = pytest.mark.parametrize("line", LINES)


def named(line: str) -> str:
    return line.partition("(")[0]


def made(line: str, embedder: Any) -> Any:
    """The line in the core, with models of the core that say and embed the same."""
    return load(line, models=[ConstantChat(SAID.get(named(line), "")), embedder])


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
    llm._text = SAID.get(named(line), "")
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


def expected(ranking) -> list[tuple[str, Any, Any]]:
    return [(item.passage.id, near(item.score), near(dict(item.reasons))) for item in ranking.kept]


def near(value: Any) -> Any:
    """Numbers but for rounding, texts as they are."""
    if isinstance(value, dict):
        return {name: near(each) for name, each in value.items()}
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value


def told(nodes) -> list[tuple[str, Any, Any]]:
    return [(item.node_id, item.score, item.metadata.get("relevance_reasons", {})) for item in nodes]


def ids(nodes) -> list[str]:
    return [item.node_id for item in nodes]


def test_every_one_that_selects_has_a_line():
    kinds = (Selection, Covering, Cut, Placement)
    assert {name for name, cls in registered().items() if issubclass(cls, kinds)} <= {named(line) for line in LINES}


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
    assert rerank.llm._asked == (["chat", "achat"] if named(line) in SAID else [])


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


ABSTAINING = {
    "abstain": "lexical >> abstain(threshold=0.5, confidence='max')",
    "a stage after it": "lexical >> abstain(threshold=0.5, confidence='max') >> mmr >> gap-cut",
    "a model that needs none": "dynamic-rag",
}


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
