"""The contract of a document compressor, and what our own promises add to it."""

from __future__ import annotations

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.documents import BaseDocumentCompressor, Document

from langchain_shortlist import ShortlistCompressor
from shortlist import CrossEncoder, InputError, Lexical, Limits, Ranking, Runtime
from shortlist.models.fakes import FailingScorer, OverlapScorer


def best(found):
    return [document.id for document in found]


def test_class():
    assert issubclass(ShortlistCompressor, BaseDocumentCompressor)


@pytest.mark.parametrize(
    "spec",
    [Lexical(), {"reranker": "lexical"}, "lexical", "lexical[:4] >> keep-order"],
    ids=["object", "dict", "name", "expression"],
)
async def test_every_spelling_of_a_reranker(spec, documents, question):
    compressor = ShortlistCompressor(reranker=spec, top_n=2)
    found = compressor.compress_documents(documents, question)
    assert set(best(found)) == {"d1", "d2"}
    assert found == await compressor.acompress_documents(documents, question)


def test_settings_go_with_a_name(documents, question):
    plain = ShortlistCompressor(reranker="lexical").rank(documents, question)
    other = ShortlistCompressor(reranker="lexical", settings={"k1": 0.1}).rank(documents, question)
    assert [item.score for item in plain.kept] != [item.score for item in other.kept]


def test_relevance_score_is_a_finite_float_and_never_increases(documents, question):
    found = ShortlistCompressor(reranker="lexical").compress_documents(documents, question)
    scores = [document.metadata["relevance_score"] for document in found]
    assert len(found) == len(documents)
    assert all(type(score) is float and math.isfinite(score) for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_inputs_are_not_mutated_and_outputs_are_new(documents, question):
    before = copy.deepcopy(documents)
    found = ShortlistCompressor(reranker="lexical").compress_documents(documents, question)
    for document in found:
        document.metadata["mine"] = True
    assert documents == before
    by_id = {document.id: document for document in documents}
    assert all(document is not by_id[document.id] for document in found)
    assert all(document.page_content == by_id[document.id].page_content for document in found)


def test_id_metadata_and_subclass_stay(question):
    class Chunk(Document):
        page: int = 0

    chunk = Chunk(page_content="tides", id="x", metadata={"a": 1}, page=7)
    (found,) = ShortlistCompressor(reranker="lexical").compress_documents([chunk], question)
    assert type(found) is Chunk
    assert (found.id, found.page, found.metadata["a"]) == ("x", 7, 1)


def test_a_document_without_id_or_metadata(question):
    (found,) = ShortlistCompressor(reranker="lexical").compress_documents([Document(page_content="tides")], question)
    assert found.id is None
    assert set(found.metadata) == {"relevance_score"}


def test_a_stale_relevance_score_is_overwritten(question):
    stale = Document(page_content="bread", metadata={"relevance_score": 99.0})
    (found,) = ShortlistCompressor(reranker="lexical").compress_documents([stale], question)
    assert found.metadata["relevance_score"] == 0.0
    assert stale.metadata["relevance_score"] == 99.0


def test_duplicates_are_kept(documents, question):
    found = ShortlistCompressor(reranker="lexical").compress_documents([*documents, documents[0]], question)
    assert len(found) == len(documents) + 1


@pytest.mark.parametrize("top_n", [None, 1])
async def test_no_documents(top_n, question):
    compressor = ShortlistCompressor(reranker="similarity >> lexical", top_n=top_n)
    assert compressor.compress_documents([], question) == []
    assert await compressor.acompress_documents([], question) == []


@pytest.mark.parametrize(("top_n", "kept"), [(None, 5), (1, 1), (3, 3), (50, 5)])
def test_top_n(top_n, kept, documents, question):
    assert len(ShortlistCompressor(reranker="lexical", top_n=top_n).compress_documents(documents, question)) == kept


@pytest.mark.parametrize("top_n", [0, -1, True, 2.5])
def test_top_n_must_be_a_number_above_0(top_n):
    with pytest.raises(ValueError, match="top_n"):
        ShortlistCompressor(reranker="lexical", top_n=top_n)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"reranker": "no-such-reranker"},
        {"reranker": "lexical", "settings": {"no": 1}},
        {"reranker": Lexical(), "settings": {"k1": 1.0}},
        {"reranker": "lexical", "runtime": {"no": 1}},
        {"reranker": "lexical", "runtime": 3},
        {"reranker": "lexical", "top_k": 3},
        {"reranker": "lexical", "llm": "gpt"},
    ],
)
def test_what_cannot_be_understood_is_refused_at_construction(wrong):
    with pytest.raises(ValueError):
        ShortlistCompressor(**wrong)


def test_fields_cannot_be_changed_behind_the_rerankers_back():
    compressor = ShortlistCompressor(reranker="lexical")
    with pytest.raises(ValueError, match="frozen"):
        compressor.reranker = "keep-order"


def test_what_a_passage_is_told_of_its_document(documents, question):
    ranking = ShortlistCompressor(reranker="keep-order").rank(documents, question)
    passage = ranking.passages[2]
    assert (passage.id, passage.document_id, passage.position, passage.score) == ("d2", "book", 20, None)
    assert passage.metadata == documents[2].metadata


def test_metadata_keys_can_be_overridden(question):
    document = Document(page_content="x", metadata={"doc": 7, "n": 3, "source": "no", "sim": 0.5})
    keys = {"document_id_key": "doc", "position_key": "n", "score_key": "sim"}
    passage = ShortlistCompressor(reranker="keep-order", **keys).rank([document], question).passages[0]
    assert (passage.document_id, passage.position, passage.score) == ("7", 3, 0.5)


def test_metadata_of_other_types_is_read_as_absent(question):
    document = Document(page_content="x", metadata={"source": None, "start_index": "three", "sim": "high"})
    passage = ShortlistCompressor(reranker="keep-order", score_key="sim").rank([document], question).passages[0]
    assert (passage.document_id, passage.position, passage.score) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "position"),
    [
        (3.0, 3),
        ("3", 3),
        (3.5, None),
        ("iii", None),
        ("", None),
        (math.nan, None),
        (math.inf, None),
        (None, None),
        ([3], None),
    ],
)
def test_a_place_that_a_store_gave_back_in_another_form(value, position, question):
    document = Document(page_content="x", metadata={"start_index": value})
    (passage,) = ShortlistCompressor(reranker="keep-order").rank([document], question).passages
    assert passage.position == position


def test_the_retrievers_score_is_read_only_when_asked_for(question):
    documents = [Document(page_content=str(i), metadata={"score": score}) for i, score in enumerate([0.1, 0.9])]
    plain = ShortlistCompressor(reranker="by-score").compress_documents(documents, question)
    scored = ShortlistCompressor(reranker="by-score", score_key="score").compress_documents(documents, question)
    assert [d.page_content for d in plain] == ["0", "1"]
    assert [d.page_content for d in scored] == ["1", "0"]


async def test_rank_gives_the_whole_ranking(documents, question):
    compressor = ShortlistCompressor(reranker="lexical", top_n=2)
    ranking = compressor.rank(documents, question)
    assert isinstance(ranking, Ranking)
    assert (len(ranking.kept), len(ranking.dropped)) == (2, 3)
    assert (await compressor.arank(documents, question)).kept == ranking.kept
    assert len(compressor.rank(documents, question, top_n=1).kept) == 1


def test_top_n_of_a_call_is_checked(documents, question):
    with pytest.raises(ValueError):
        ShortlistCompressor(reranker="lexical").rank(documents, question, top_n=0)


@pytest.mark.parametrize("runtime", [Runtime(limits=Limits(calls=0)), {"limits": {"calls": 0}}], ids=["value", "dict"])
def test_the_runtime_holds(runtime, documents, question):
    reranker = CrossEncoder(OverlapScorer()) | Lexical()
    ranking = ShortlistCompressor(reranker=reranker, runtime=runtime).rank(documents, question)
    assert "limit" in ranking.degraded
    assert ShortlistCompressor(reranker=reranker).rank(documents, question).degraded is None


def test_a_failing_model_raises_unless_there_is_a_fallback(documents, question):
    failing = CrossEncoder(FailingScorer())
    with pytest.raises(Exception, match="made to fail"):
        ShortlistCompressor(reranker=failing).compress_documents(documents, question)
    found = ShortlistCompressor(reranker=failing | Lexical(), top_n=2).compress_documents(documents, question)
    assert set(best(found)) == {"d1", "d2"}


def test_the_query_must_be_text(documents):
    with pytest.raises(InputError):
        ShortlistCompressor(reranker="lexical").compress_documents(documents, None)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c)), lambda c: c.model_copy()])
def test_copies_rank_the_same(copied, documents, question):
    compressor = ShortlistCompressor(reranker="lexical", top_n=3, runtime={"timeout": 5.0})
    assert copied(compressor).compress_documents(documents, question) == compressor.compress_documents(
        documents, question
    )


def test_a_copy_may_have_another_top_n(documents, question):
    compressor = ShortlistCompressor(reranker="lexical", top_n=3).model_copy(update={"top_n": 1})
    assert len(compressor.compress_documents(documents, question)) == 1


def test_fifty_threads_on_one_instance(documents, chat):
    compressor = ShortlistCompressor(reranker="judge", llm=chat, top_n=1)
    questions = ["bread yeast", "cello strings", "white salt"] * 20
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda q: compressor.compress_documents(documents, q)[0].id, questions))
    assert found == ["d0", "d3", "d4"] * 20


async def test_sync_works_inside_a_running_loop(documents, question, chat):
    compressor = ShortlistCompressor(reranker="judge", llm=chat, top_n=2)
    assert set(best(compressor.compress_documents(documents, question))) == {"d1", "d2"}
