"""How many, how different, or none: each of those rerankers as one line in a pipeline, and one after the other."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.components.builders import PromptBuilder
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from tests.selection_cases import ABSTAINING, HOPELESS, LINES, MORE, QUERY, TEXTS, expected, made, said

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from haystack_integrations.components.rankers.shortlist.bridge import HaystackEmbedder
from shortlist import ConformalCut, CrossEncoder, Mmr, Passage, StaticEmbedder, WeightsError
from shortlist.models.fakes import HashEmbedder, OverlapScorer

every_line = pytest.mark.parametrize("line", LINES)


@pytest.fixture
def embedders(text_embedder, document_embedder) -> dict[str, Any]:
    return {"text_embedder": text_embedder, "document_embedder": document_embedder}


@pytest.fixture
def models(line, embedders) -> dict[str, Any]:
    return {**embedders, "chat_generator": MockChatGenerator(said(line) or "nothing")}


@pytest.fixture
def store(document_embedder) -> InMemoryDocumentStore:
    return filled(TEXTS, document_embedder)


def filled(texts: dict[str, str], embedder: Any) -> InMemoryDocumentStore:
    documents = [Document(id=n, content=t, meta={"source_id": "book", "topic": n[0]}) for n, t in texts.items()]
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(type(embedder)().run(documents)["documents"])
    return store


class Asking:
    """A pipeline from the question's vector through a retriever and rankers to a prompt."""

    def __init__(self, store: InMemoryDocumentStore, text_embedder: Any, *rankers: ShortlistRanker) -> None:
        self.retriever = InMemoryEmbeddingRetriever(store, top_k=20, return_embedding=False)
        self.text_embedder = type(text_embedder)()
        self.names = [f"ranker{i}" for i in range(len(rankers))]
        self.pipeline = Pipeline()
        self.pipeline.add_component("embedder", self.text_embedder)
        self.pipeline.add_component("retriever", self.retriever)
        self.pipeline.connect("embedder.embedding", "retriever.query_embedding")
        last = PromptBuilder("{% for d in documents %}{{ d.content }} {% endfor %}", required_variables=["documents"])
        for name, part in zip([*self.names, "prompt"], [*rankers, last], strict=True):
            before = [*self.pipeline.graph][-1]
            self.pipeline.add_component(name, part)
            self.pipeline.connect(f"{before}.documents", f"{name}.documents")

    def retrieved(self, query: str) -> list[Document]:
        return self.retriever.run(self.text_embedder.run(query)["embedding"])["documents"]

    async def both(self, query: str) -> list[dict[str, Any]]:
        """What the sync and the async form give."""
        inputs = {"embedder": {"text": query}, **{name: {"query": query} for name in self.names}}
        told = {*self.names, "prompt"}
        return [self.pipeline.run(inputs, told), await self.pipeline.run_async(inputs, told)]


def ranked(reranker, found):
    """What the core makes of the same passages."""
    return reranker.rank(QUERY, [Passage(d.content, d.id, d.score, None, "book", None, d.meta) for d in found])


def told(documents) -> list[tuple[str, Any, Any]]:
    return [(d.id, d.score, d.meta.get("relevance_reasons", {})) for d in documents]


def ids(documents) -> list[str]:
    return [document.id for document in documents]


@every_line
async def test_each_by_name_in_a_pipeline(line, store, models):
    asking = Asking(store, models["text_embedder"], ShortlistRanker(line, **models))
    found = asking.retrieved(QUERY)
    ranking = ranked(made(line, HashEmbedder(32)), found)
    assert expected(ranking) != told(found)  # so it does something here
    for output in await asking.both(QUERY):
        documents, meta = output["ranker0"]["documents"], output["ranker0"]["meta"]
        assert told(documents) == expected(ranking)
        assert all(d.content == TEXTS[d.id] for d in documents)
        assert all((d.meta["source_id"], d.meta["topic"]) == ("book", d.id[0]) for d in documents)
        assert output["prompt"]["prompt"].split() == " ".join(TEXTS[d.id] for d in documents).split()
        assert meta["dropped"].keys() == TEXTS.keys() - {d.id for d in documents}
        assert (meta["score_kind"], meta["degraded"]) == (ranking.score_kind, None)


@every_line
def test_documents_that_came_in_are_as_they_were(line, store, models):
    before = copy.deepcopy(found := store.filter_documents())
    ShortlistRanker(line, **models).run(QUERY, found)
    assert found == before


@every_line
def test_each_in_a_file_as_a_line_and_as_an_object(line, store, models):
    mocks = {"text_embedder": MockTextEmbedder(dimension=32), "document_embedder": MockDocumentEmbedder(dimension=32)}
    by_line = ShortlistRanker(line, **models | mocks)
    for ranker in (by_line, ShortlistRanker(made(line, StaticEmbedder()))):
        pipeline = Pipeline()
        pipeline.add_component("ranker", ranker)
        again = Pipeline.loads(pipeline.dumps())
        assert again.dumps() == pipeline.dumps()
        asked = {"ranker": {"query": QUERY, "documents": store.filter_documents()}}
        assert told(again.run(asked)["ranker"]["documents"]) == told(pipeline.run(asked)["ranker"]["documents"])


@pytest.mark.parametrize("line", ["mmr(diversity=0.6)", "information-cut(share=0.9)", "facility-location(k=3)"])
def test_vectors_that_documents_carry_are_read(line, store, document_embedder, text_embedder):
    given = [replace(document, score=1.0 / i) for i, document in enumerate(store.filter_documents(), 1)]
    ranker = ShortlistRanker(line, text_embedder=text_embedder, document_embedder=document_embedder)
    core = made(line, HashEmbedder(32)).rank(QUERY, [Passage(d.content, d.id, d.score) for d in given])
    assert told(ranker.run(QUERY, given)["documents"]) == expected(core)
    assert document_embedder.sizes == [] and text_embedder.calls in ([], ["warm_up"])


KEPT = {
    "near-duplicates(threshold=0.9, action='drop')": "moon rock sun spring twice cello bread",
    "lost-in-the-middle(k=4)": "moon rock sun again",
    "reverse(k=3)": "rock again moon",
    "threshold-cut(threshold=0.5)": "moon again rock sun spring",
    "mmr(diversity=1.0, k=2)": "moon bread",
    "token-budget(budget=21)": "moon again",
    "mmr(diversity=0.0)": "moon again rock sun spring twice cello bread",
}


@pytest.mark.parametrize("line", KEPT)
def test_what_is_kept_in_which_order_and_why_the_others_are_not(line, store, models):
    asking = Asking(store, models["text_embedder"])
    output = ShortlistRanker(line, **models).run(QUERY, found := asking.retrieved(QUERY))
    assert ids(output["documents"]) == KEPT[line].split()
    ranking = ranked(made(line, HashEmbedder(32)), found)
    assert output["meta"]["dropped"] == {item.passage.id: ranking.why_dropped(item) for item in ranking.dropped}


def test_the_best_are_chosen_before_they_are_placed(store, text_embedder):
    found = Asking(store, text_embedder).retrieved(QUERY)
    placed = ShortlistRanker("lost-in-the-middle", top_k=4).run(QUERY, found)["documents"]
    assert ids(placed) == KEPT["lost-in-the-middle(k=4)"].split()


async def check_composed(embedders, given, core) -> list[str]:
    """Both make the same of twenty; the more is to be covered, the more are kept of one order, which is given."""
    store, kept = filled(TEXTS | MORE, embedders["document_embedder"]), []
    for coverage in (0.5, 0.9):
        asking = Asking(store, embedders["text_embedder"], ShortlistRanker(given(coverage)))
        found = asking.retrieved(QUERY)
        both = [output["ranker0"]["documents"] for output in await asking.both(QUERY)]
        assert [told(each) for each in both] == [expected(ranked(core(coverage), found))] * 2
        kept.append(ids(both[0]))
    few, more = kept
    assert few == more[: len(few)]
    assert 0 < len(few) < len(more) <= len(found) == 20
    return more


async def test_stages_compose(embedders):
    def with_embedder(embedder):
        first = CrossEncoder(OverlapScorer()) >> Mmr(diversity=0.3, embedder=embedder)
        return lambda coverage: first >> ConformalCut(coverage, "ms-marco-minilm-mmr")

    bridged = with_embedder(HaystackEmbedder(*embedders.values()))
    order = await check_composed(embedders, bridged, with_embedder(HashEmbedder(32)))
    assert order[:3] == ["moon", "again", "spring"]


@pytest.mark.slow
@pytest.mark.models
async def test_the_composed_line_with_a_real_cross_encoder(embedders):
    try:
        CrossEncoder().warm_up()
    except WeightsError as error:
        pytest.skip(str(error))
    line = "cross-encoder >> mmr(diversity=0.3) >> conformal-cut(coverage={}, calibration='ms-marco-minilm-mmr')"
    first = CrossEncoder() >> Mmr(diversity=0.3)
    order = await check_composed(embedders, line.format, lambda c: first >> ConformalCut(c, "ms-marco-minilm-mmr"))
    assert order[0] == "moon"


@pytest.mark.parametrize("line", ABSTAINING.values(), ids=ABSTAINING)
async def test_no_documents_go_through_a_pipeline(line, store, embedders):
    none = ShortlistRanker(line, chat_generator=MockChatGenerator("None"), **embedders)
    after = ShortlistRanker("mmr >> reverse", **embedders)
    for output in await Asking(store, embedders["text_embedder"], none, after).both(HOPELESS):
        assert output["ranker0"]["documents"] == output["ranker1"]["documents"] == []
        assert output["ranker0"]["meta"]["dropped"].keys() == TEXTS.keys()
        assert all(output["ranker0"]["meta"]["dropped"].values())
        assert output["prompt"]["prompt"] == ""


@pytest.mark.parametrize("line", list(ABSTAINING.values())[:2])
def test_a_question_that_can_be_answered_is(line, store, models):
    assert ids(ShortlistRanker(line, **models).run(QUERY, store.filter_documents())["documents"])[0] == "moon"


async def test_a_mark_stands_in_the_meta(store, text_embedder):
    marking = ShortlistRanker("lexical >> abstain(threshold=0.5, confidence='max', then='mark')")
    asking = Asking(store, text_embedder, marking)
    for output in await asking.both(HOPELESS):
        reasons = {d.id: d.meta["relevance_reasons"] for d in output["ranker0"]["documents"]}
        wanted = {"confidence": 0.0, "abstain": "max confidence 0 is below 0.5"}
        assert reasons == output["ranker0"]["meta"]["reasons"] == dict.fromkeys(TEXTS, wanted)
    answered = marking.run(QUERY, asking.retrieved(QUERY))["meta"]["reasons"]
    assert all("abstain" not in reasons for reasons in answered.values())
