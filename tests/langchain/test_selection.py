"""How many, how different, or none: each of those rerankers as one line behind a retriever, and one after the other."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from tests.selection_cases import ABSTAINING, ASKING, HOPELESS, LINES, MORE, QUERY, TEXTS, expected, made, named, said

from langchain_shortlist import ShortlistCompressor
from shortlist import ConformalCut, CrossEncoder, Mmr, Passage, StaticEmbedder, WeightsError
from shortlist.models.fakes import HashEmbedder, OverlapScorer

# A retriever of LangChain leaves no scores: what reads some stands behind what gives some.
LINES = [line if named(line) in ASKING else f"similarity >> {line}" for line in LINES]
every_line = pytest.mark.parametrize("line", LINES)


def store(texts: dict[str, str], embeddings: Any) -> BaseRetriever:
    made = InMemoryVectorStore(embeddings)
    made.add_documents(
        [Document(text, id=name, metadata={"source": "book", "topic": name[0]}) for name, text in texts.items()]
    )
    return made.as_retriever(search_kwargs={"k": 20})


@pytest.fixture
def base(embeddings) -> BaseRetriever:
    return store(TEXTS, embeddings)


@pytest.fixture
def models(line, embeddings) -> dict[str, Any]:
    return {"embeddings": embeddings, "llm": FakeListChatModel(responses=[said(line)])}


@pytest.fixture
def compressor(line, models) -> ShortlistCompressor:
    return ShortlistCompressor(reranker=line, **models)


def ranked(reranker, found):
    """What the core makes of the same passages."""
    return reranker.rank(QUERY, [Passage(d.page_content, d.id, None, None, "book", None, d.metadata) for d in found])


def told(documents) -> list[tuple[str, Any, Any]]:
    return [(d.id, d.metadata.get("relevance_score"), d.metadata.get("relevance_reasons", {})) for d in documents]


def ids(documents) -> list[str]:
    return [document.id for document in documents]


@every_line
async def test_each_by_name_behind_a_retriever(line, base, compressor):
    found = base.invoke(QUERY)
    before = copy.deepcopy(found)
    core = expected(ranked(made(line, HashEmbedder()), found))
    assert [each[0] for each in core] != ids(found) or any(reasons for *_, reasons in core)  # so it does something
    for retriever in (
        compressor.as_retriever(base),
        ContextualCompressionRetriever(base_compressor=compressor, base_retriever=base),
    ):
        for documents in (retriever.invoke(QUERY), await retriever.ainvoke(QUERY)):
            assert told(documents) == core
            assert all(d.page_content == TEXTS[d.id] for d in documents)
            assert all((d.metadata["source"], d.metadata["topic"]) == ("book", d.id[0]) for d in documents)
    chain = {"documents": base, "query": RunnablePassthrough()} | compressor.as_runnable()
    assert told(chain.invoke(QUERY)) == told(await chain.ainvoke(QUERY)) == core
    compressor.compress_documents(found, QUERY)
    assert found == before


@every_line
def test_each_is_copied_pickled_and_written_down(line, base, compressor, tmp_path):
    found = base.invoke(QUERY)
    wanted = compressor.rank(found, QUERY).kept
    for again in (pickle.loads(pickle.dumps(compressor)), copy.deepcopy(compressor), compressor.model_copy()):
        assert again.rank(found, QUERY).kept == wanted
    reranker = made(line, StaticEmbedder())
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(reranker.to_dict()), encoding="utf-8")
    by_object = told(ShortlistCompressor(reranker=reranker).compress_documents(found, QUERY))
    assert told(ShortlistCompressor(reranker=str(path)).compress_documents(found, QUERY)) == by_object
    assert told(ShortlistCompressor(reranker=reranker.to_dict()).compress_documents(found, QUERY)) == by_object


KEPT = {
    "near-duplicates(threshold=0.9, action='drop')": "moon spring sun rock twice cello bread",
    "similarity >> lost-in-the-middle(k=4)": "moon spring sun again",
    "similarity >> reverse(k=3)": "spring again moon",
    "similarity >> threshold-cut(threshold=0.5)": "moon again spring sun rock",
    "similarity >> mmr(diversity=1.0, k=2)": "moon bread",
    "similarity >> token-budget(budget=21)": "moon again",
    "mmr(diversity=0.0)": "moon again spring sun rock twice cello bread",
}


@pytest.mark.parametrize("line", KEPT)
def test_what_is_kept_in_which_order_and_why_the_others_are_not(line, base, compressor):
    assert ids(compressor.as_retriever(base).invoke(QUERY)) == KEPT[line].split()
    ranking = compressor.rank(base.invoke(QUERY), QUERY)
    lost = {item.passage.id: ranking.why_dropped(item) for item in ranking.dropped}
    assert lost.keys() == TEXTS.keys() - set(KEPT[line].split()) and all(lost.values())


def test_the_best_are_chosen_before_they_are_placed(base):
    placing = ShortlistCompressor(reranker="lost-in-the-middle").as_retriever(base, k=4)
    assert ids(placing.invoke(QUERY)) == "moon spring sun again".split()


@pytest.mark.parametrize("line", ["gap-cut", "calibrate", "conformal-cut", "dynamic-k", "abstain"])
def test_what_reads_scores_says_that_there_are_none(line, base, compressor):
    found = base.invoke(QUERY)
    ranking = compressor.rank(found, QUERY)
    assert [item.passage.id for item in ranking.kept] == ids(found)
    assert any("8 of 8 passages have no score" in repair for repair in ranking.repairs)


def test_a_score_that_the_retriever_left_is_read(base):
    found = [
        d.model_copy(update={"metadata": {**d.metadata, "score": 1 - 0.1 * i}})
        for i, d in enumerate(base.invoke(QUERY))
    ]
    cut = ShortlistCompressor(reranker="threshold-cut(threshold=0.75)", score_key="score")
    assert ids(cut.compress_documents(found, QUERY)) == ids(found)[:3]


async def check_composed(embeddings, compressor, core) -> list[str]:
    """Both make the same of twenty; the more is to be covered, the more are kept of one order, which is given."""
    base = store(TEXTS | MORE, embeddings)
    found, kept = base.invoke(QUERY), []
    for coverage in (0.5, 0.9):
        retriever = compressor(coverage).as_retriever(base)
        both = [retriever.invoke(QUERY), await retriever.ainvoke(QUERY)]
        assert [told(each) for each in both] == [expected(ranked(core(coverage), found))] * 2
        kept.append(ids(both[0]))
    few, more = kept
    assert few == more[: len(few)]
    assert 0 < len(few) < len(more) <= len(found) == 20
    return more


COMPOSED = "cross-encoder >> mmr(diversity=0.3) >> conformal-cut(coverage={}, calibration='ms-marco-minilm-mmr')"


async def test_stages_compose(embeddings, cross_encoder):
    models = {"embeddings": embeddings, "cross_encoder": cross_encoder}
    first = CrossEncoder(OverlapScorer()) >> Mmr(diversity=0.3, embedder=HashEmbedder())
    order = await check_composed(
        embeddings,
        lambda coverage: ShortlistCompressor(reranker=COMPOSED.format(coverage), **models),
        lambda coverage: first >> ConformalCut(coverage, "ms-marco-minilm-mmr"),
    )
    assert order[:3] == ["moon", "again", "spring"]


@pytest.mark.slow
@pytest.mark.models
async def test_the_composed_line_with_a_real_cross_encoder(embeddings):
    try:
        CrossEncoder().warm_up()
    except WeightsError as error:
        pytest.skip(str(error))
    first = CrossEncoder() >> Mmr(diversity=0.3)
    order = await check_composed(
        embeddings,
        lambda coverage: ShortlistCompressor(reranker=COMPOSED.format(coverage)),
        lambda coverage: first >> ConformalCut(coverage, "ms-marco-minilm-mmr"),
    )
    assert order[0] == "moon"


@pytest.mark.parametrize("line", ABSTAINING.values(), ids=ABSTAINING)
async def test_no_documents_go_through_a_chain(line, base, embeddings):
    none = ShortlistCompressor(reranker=line, embeddings=embeddings, llm=FakeListChatModel(responses=["None"]))
    after = ShortlistCompressor(reranker="mmr >> reverse", embeddings=embeddings)
    both = DocumentCompressorPipeline(transformers=[none, after])
    for retriever in (
        none.as_retriever(base),
        after.as_retriever(none.as_retriever(base)),
        ContextualCompressionRetriever(base_compressor=both, base_retriever=base),
    ):
        assert retriever.invoke(HOPELESS) == await retriever.ainvoke(HOPELESS) == []
    dropped = none.rank(base.invoke(HOPELESS), HOPELESS).dropped
    assert {item.passage.id for item in dropped} == set(TEXTS)
    assert all(item.reasons["dropped"] for item in dropped)


@pytest.mark.parametrize("line", list(ABSTAINING.values())[:2])
def test_a_question_that_can_be_answered_is(line, base, compressor):
    assert ids(compressor.as_retriever(base).invoke(QUERY))[0] == "moon"


async def test_a_mark_stands_in_the_metadata(base):
    marking = ShortlistCompressor(reranker="lexical >> abstain(threshold=0.5, confidence='max', then='mark')")
    retriever = marking.as_retriever(base)
    for documents in (retriever.invoke(HOPELESS), await retriever.ainvoke(HOPELESS)):
        assert set(ids(documents)) == set(TEXTS)
        for document in documents:
            reasons = document.metadata["relevance_reasons"]
            assert reasons == {"confidence": 0.0, "abstain": "max confidence 0 is below 0.5"}
            assert document.page_content == TEXTS[document.id]
    assert all("abstain" not in d.metadata["relevance_reasons"] for d in retriever.invoke(QUERY))
