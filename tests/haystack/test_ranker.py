"""The contract of a Haystack ranker, under the names that Haystack's own rankers test it by, and our promises."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import logging
import math
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from haystack import Document
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.components.generators.chat import MockChatGenerator, OpenAIChatGenerator
from haystack.core.errors import DeserializationError, SerializationError
from haystack.dataclasses import ByteStream

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from haystack_integrations.components.rankers.shortlist import ranker as ranker_module
from shortlist import CrossEncoder, InputError, Lexical, Limits, ModelError, Runtime
from shortlist.models.fakes import FailingScorer, OverlapScorer
from shortlist.runtime.cache import MemoryCache

QUERY = "what causes tides?"
TYPE = "haystack_integrations.components.rankers.shortlist.ranker.ShortlistRanker"
DEFAULTS = {
    "reranker": "lexical",
    "settings": None,
    "runtime": None,
    "top_k": None,
    "score_threshold": None,
    "meta_fields_to_embed": [],
    "embedding_separator": "\n",
    "document_id_key": "source_id",
    "position_key": "split_id",
    "chat_generator": None,
    "text_embedder": None,
    "document_embedder": None,
}


async def both(ranker, *args, **kwargs):
    """The output, which `run` and `run_async` agree on but for the time it took."""
    one, other = ranker.run(*args, **kwargs), await ranker.run_async(*args, **kwargs)
    assert one["documents"] == other["documents"]
    for meta in (one["meta"], other["meta"]):
        assert meta["usage"].pop("seconds") >= 0
    assert one["meta"] == other["meta"]
    return one


def ids(output):
    return [document.id for document in output["documents"]]


class TestInit:
    def test_init_default(self):
        ranker = ShortlistRanker("lexical")
        assert {name: getattr(ranker, name) for name in DEFAULTS} == DEFAULTS

    def test_init_with_parameters(self):
        chat, text, document = MockChatGenerator("x"), MockTextEmbedder(), MockDocumentEmbedder()
        given = {
            "settings": {"k1": 1.0},
            "runtime": {"timeout": 3},
            "top_k": 4,
            "score_threshold": 0.5,
            "meta_fields_to_embed": ["title"],
            "embedding_separator": " | ",
            "document_id_key": "doc",
            "position_key": "place",
            "chat_generator": chat,
            "text_embedder": text,
            "document_embedder": document,
        }
        ranker = ShortlistRanker("lexical", **given)
        assert {name: getattr(ranker, name) for name in given} == given

    def test_init_zero_topk(self):
        with pytest.raises(ValueError, match="top_k"):
            ShortlistRanker("lexical", top_k=0)

    def test_init_negative_topk(self):
        with pytest.raises(ValueError, match="top_k"):
            ShortlistRanker("lexical", top_k=-2)

    def test_init_is_light(self, monkeypatch, sync_generator):
        monkeypatch.setattr(
            ranker_module, "load", lambda *_, **__: pytest.fail("a pipeline file is only being checked")
        )
        generator = sync_generator
        ShortlistRanker("no-such-reranker", chat_generator=generator)
        assert generator.events == []

    def test_document_embedder_alone_is_refused(self):
        with pytest.raises(ValueError, match="text_embedder"):
            ShortlistRanker("similarity", document_embedder=MockDocumentEmbedder())

    def test_a_wrong_name_is_told_on_warm_up(self):
        with pytest.raises(InputError, match="no reranker is named"):
            ShortlistRanker("no-such-reranker").warm_up()


class TestSerialisation:
    def test_to_dict_default(self):
        assert ShortlistRanker("lexical").to_dict() == {"type": TYPE, "init_parameters": DEFAULTS}

    def test_to_dict_with_parameters(self):
        chat = MockChatGenerator("x")
        ranker = ShortlistRanker(
            Lexical(k1=1.0)[:5],
            runtime=Runtime(limits=Limits(calls=3), cache=MemoryCache()),
            top_k=4,
            chat_generator=chat,
        )
        written = ranker.to_dict()["init_parameters"]
        assert written["reranker"] == Lexical(k1=1.0)[:5].to_dict()
        assert written["runtime"]["limits"]["calls"] == 3
        assert written["runtime"]["cache"] == "memory"
        assert written["chat_generator"] == chat.to_dict()
        assert written["top_k"] == 4
        json.dumps(written)

    def test_to_dict_is_the_same_after_a_run(self, documents):
        ranker = ShortlistRanker("lexical")
        before = ranker.to_dict()
        ranker.run(QUERY, documents)
        assert ranker.to_dict() == before

    def test_from_dict(self):
        ranker = ShortlistRanker.from_dict(
            {"type": TYPE, "init_parameters": {"reranker": {"reranker": "lexical", "k1": 1.5}, "top_k": 2}}
        )
        assert ranker.top_k == 2
        assert ranker.reranker == {"reranker": "lexical", "k1": 1.5}

    def test_from_dict_of_another_class(self):
        with pytest.raises(DeserializationError):
            ShortlistRanker.from_dict({"type": "haystack.Other", "init_parameters": {"reranker": "lexical"}})

    def test_from_dict_fail_wo_env_var(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        written = ShortlistRanker("judge", chat_generator=OpenAIChatGenerator()).to_dict()
        monkeypatch.delenv("OPENAI_API_KEY")
        with pytest.raises(ValueError, match="OPENAI_API_KEY"):
            ShortlistRanker.from_dict(written).warm_up()

    @pytest.mark.parametrize(
        "reranker",
        ["lexical", "lexical[:3] >> keep-order", {"reranker": "lexical", "k1": 1.5}, Lexical(k1=1.5)[:2] | Lexical()],
        ids=str,
    )
    def test_to_dict_from_dict_roundtrip(self, reranker, documents):
        first = ShortlistRanker(reranker, top_k=3, runtime=Runtime(timeout=5), meta_fields_to_embed=["name"])
        again = ShortlistRanker.from_dict(first.to_dict())
        assert again.to_dict() == first.to_dict()
        assert again.run(QUERY, documents)["documents"] == first.run(QUERY, documents)["documents"]

    def test_code_is_not_written_down(self):
        with pytest.raises(SerializationError, match="OverlapScorer"):
            ShortlistRanker(CrossEncoder(OverlapScorer())).to_dict()

    def test_copies_and_pickles(self, documents):
        ranker = ShortlistRanker("lexical")
        expected = ids(ranker.run(QUERY, documents))
        assert ids(copy.deepcopy(ranker).run(QUERY, documents)) == expected
        assert ids(pickle.loads(pickle.dumps(ranker)).run(QUERY, documents)) == expected


class TestTopK:
    async def test_run_zero_topk_in_run(self, documents):
        with pytest.raises(ValueError, match="top_k"):
            ShortlistRanker("lexical").run(QUERY, documents, top_k=0)

    async def test_run_negative_topk_in_run(self, documents):
        with pytest.raises(ValueError, match="top_k"):
            ShortlistRanker("lexical").run(QUERY, documents, top_k=-1)

    async def test_run_async_negative_topk(self, documents):
        with pytest.raises(ValueError, match="top_k"):
            await ShortlistRanker("lexical").run_async(QUERY, documents, top_k=-1)

    async def test_run_zero_topk_does_not_fall_back_to_instance_topk(self, documents):
        with pytest.raises(ValueError, match="top_k"):
            ShortlistRanker("lexical", top_k=2).run(QUERY, documents, top_k=0)

    @pytest.mark.parametrize("query", ["", QUERY])
    async def test_a_wrong_topk_is_told_even_with_nothing_to_rank(self, query):
        with pytest.raises(ValueError, match="top_k"):
            ShortlistRanker("lexical").run(query, [], top_k=0)

    async def test_run_topk_set_in_init(self, documents):
        assert ids(await both(ShortlistRanker("lexical", top_k=2), QUERY, documents)) == ["moon", "sun"]

    async def test_run_top_k_runtime_overrides_init(self, documents):
        assert ids(await both(ShortlistRanker("lexical", top_k=2), QUERY, documents, top_k=1)) == ["moon"]
        assert len((await both(ShortlistRanker("lexical", top_k=2), QUERY, documents, top_k=3))["documents"]) == 3

    async def test_run_top_k_none_is_that_of_init(self, documents):
        assert len((await both(ShortlistRanker("lexical", top_k=2), QUERY, documents, top_k=None))["documents"]) == 2

    async def test_run_without_topk_returns_all(self, documents):
        assert len((await both(ShortlistRanker("lexical"), QUERY, documents))["documents"]) == len(documents)

    async def test_run_returns_fewer_than_k_if_not_enough_valid(self, documents):
        assert ids(await both(ShortlistRanker("lexical", top_k=9), QUERY, documents[:2])) == ["moon", "bread"]


class TestRun:
    async def test_run_empty_documents(self, sync_generator):
        generator = sync_generator
        output = await both(ShortlistRanker("judge", chat_generator=generator), QUERY, [])
        assert output["documents"] == []
        assert output["meta"]["dropped"] == {}
        assert output["meta"]["degraded"] is None
        assert generator.events == []

    async def test_run_async(self, documents):
        output = await ShortlistRanker("lexical", top_k=2).run_async(QUERY, documents)
        assert ids(output) == ["moon", "sun"]

    async def test_scores_are_finite_floats_that_never_increase(self, documents):
        scores = [d.score for d in (await both(ShortlistRanker("lexical"), QUERY, documents))["documents"]]
        assert {type(score) for score in scores} == {float}
        assert all(math.isfinite(score) for score in scores)
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > scores[-1]

    async def test_run_does_not_modify_original_documents(self, documents):
        before = copy.deepcopy(documents)
        output = await both(ShortlistRanker("lexical", top_k=3), QUERY, documents)
        assert documents == before
        for document in output["documents"]:
            document.meta["new"] = 1
        assert documents == before

    async def test_what_is_returned_is_a_copy_with_everything_else_as_it_was(self):
        blob = ByteStream(b"x", mime_type="image/png")
        given = Document(id="a", content="tides", blob=blob, meta={"m": [1]}, embedding=[0.5], score=3.0)
        (found,) = (await both(ShortlistRanker("keep-order"), QUERY, [given]))["documents"]
        assert found is not given
        assert found.meta is not given.meta
        assert found.score == 1.0
        assert (found.id, found.content, found.blob, found.meta, found.embedding) == (
            "a",
            "tides",
            blob,
            {"m": [1]},
            [0.5],
        )

    async def test_only_what_is_returned_is_copied(self, documents, monkeypatch):
        copied = []
        scored = ranker_module.mapping._scored
        monkeypatch.setattr(ranker_module.mapping, "_scored", lambda d, *more: copied.append(d.id) or scored(d, *more))
        ShortlistRanker("lexical", top_k=1).run(QUERY, documents)
        assert copied == ["moon"]

    async def test_a_copy_is_what_replace_makes(self, documents):
        class Chunk(Document):
            """Frameworks and users subclass it."""

        given = Chunk(id="a", content="tides", meta={"m": 1}, embedding=[0.5], score=3.0)
        (found,) = ShortlistRanker("keep-order").run(QUERY, [given])["documents"]
        expected = dataclasses.replace(given, score=1.0)
        assert (type(found), found, vars(found)) == (Chunk, expected, vars(expected))

    async def test_warnings_are_errors(self, documents):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert await both(ShortlistRanker("lexical", top_k=2), QUERY, documents)
            assert await both(ShortlistRanker("lexical", top_k=2), "", documents)

    async def test_duplicates_are_taken_once_with_the_best_score(self):
        low, high = (Document(id="same", content="tides", score=score, meta={"s": score}) for score in (0.2, 0.9))
        none, nan = (Document(id="same", content="tides", score=score, meta={"s": "no"}) for score in (None, math.nan))
        other = Document(id="other", content="tides too", score=0.5)
        output = await both(ShortlistRanker("keep-order"), QUERY, [nan, low, none, other, high, high])
        assert ids(output) == ["same", "other"]
        assert output["documents"][0].meta == {"s": 0.9}
        assert output["meta"]["repairs"] == ["4 documents had the id of another: the better score was taken"]

    async def test_duplicates_with_no_scores_keep_the_first(self):
        twins = [Document(id="same", content="tides", meta={"n": n}) for n in (1, 2)]
        assert (await both(ShortlistRanker("keep-order"), QUERY, twins))["documents"][0].meta == {"n": 1}

    async def test_meta_tells_what_it_took_and_what_became_of_the_others(self, documents, text_embedder):
        text = text_embedder
        output = await both(
            ShortlistRanker("similarity", text_embedder=text, top_k=3, score_threshold=0.1), QUERY, documents
        )
        meta = output["meta"]
        assert set(meta) == {"score_kind", "usage", "repairs", "degraded", "reasons", "dropped"}
        assert meta["score_kind"] == "cosine"
        assert meta["usage"]["calls"] == 5
        assert meta["usage"]["tokens_in"] == sum(len(t.split()) for t in text.calls if t != "warm_up") // 2
        assert (meta["repairs"], meta["degraded"], meta["reasons"]) == ([], None, {})
        assert set(meta["dropped"]) | set(ids(output)) == {d.id for d in documents}
        json.dumps(meta)

    async def test_dropped_has_the_reason(self, documents):
        meta = (await both(ShortlistRanker("lexical", top_k=2), QUERY, documents))["meta"]
        assert meta["dropped"] == {"odd": "below the first 2", "bread": "below the first 2"}

    async def test_reasons_are_told_by_id(self, documents):
        output = await both(ShortlistRanker("by-place", top_k=1), QUERY, documents)
        assert output["meta"]["reasons"] == {"bread": {"why": documents[0].content}}
        assert set(output["meta"]["dropped"].values()) == {"below the first 1"}

    async def test_score_threshold_is_inclusive(self, documents):
        output = await both(ShortlistRanker("keep-order", score_threshold=0.75), QUERY, documents)
        assert [d.score for d in output["documents"]] == [1.0, 0.75]
        assert output["meta"]["dropped"] == dict.fromkeys(("sun", "odd"), "a score below 0.75")

    async def test_score_threshold_below_all_changes_nothing(self, documents):
        output = await both(ShortlistRanker("keep-order", score_threshold=0.0, top_k=3), QUERY, documents)
        assert ids(output) == ["bread", "moon", "sun"]
        assert output["meta"]["dropped"] == {"odd": "below the first 3"}

    async def test_score_threshold_with_top_k(self, documents):
        output = await both(ShortlistRanker("keep-order", score_threshold=0.9, top_k=3), QUERY, documents)
        assert ids(output) == ["bread"]
        assert output["meta"]["dropped"] == {
            **dict.fromkeys(("moon", "sun"), "a score below 0.9"),
            "odd": "below the first 3",
        }

    async def test_degraded_is_told(self, documents):
        output = await both(ShortlistRanker(CrossEncoder(FailingScorer()) | Lexical()), QUERY, documents)
        assert "cross-encoder failed" in output["meta"]["degraded"]

    async def test_a_failure_without_fallback_is_raised(self, documents):
        ranker = ShortlistRanker(CrossEncoder(FailingScorer()))
        with pytest.raises(ModelError):
            ranker.run(QUERY, documents)
        with pytest.raises(ModelError):
            await ranker.run_async(QUERY, documents)

    async def test_settings_go_with_a_name(self, documents):
        with pytest.raises(InputError, match="no setting"):
            ShortlistRanker("lexical", settings={"k9": 1}).run(QUERY, documents)
        assert ids(await both(ShortlistRanker("lexical", settings={"k1": 0.9}, top_k=1), QUERY, documents)) == ["moon"]

    @pytest.mark.parametrize("runtime", [Runtime(limits=Limits(calls=2)), {"limits": {"calls": 2}}])
    async def test_runtime_holds(self, documents, runtime):
        ranker = ShortlistRanker(CrossEncoder(OverlapScorer()) | Lexical(), runtime=runtime)
        assert "limit" in (await both(ranker, QUERY, documents))["meta"]["degraded"]


class TestText:
    async def test_meta_fields_are_put_before_the_content(self, documents):
        documents = [Document(content="", meta={"title": t, "year": y}) for t, y in (("bread", 1), ("tides", None))]
        seen = await both(
            ShortlistRanker("by-place", meta_fields_to_embed=["title", "year", "none"], embedding_separator="|"),
            QUERY,
            documents,
        )
        assert [why["why"] for why in seen["meta"]["reasons"].values()] == ["bread|1|", "tides|"]

    async def test_only_content_without_meta_fields(self, documents):
        seen = await both(ShortlistRanker("by-place"), QUERY, documents)
        assert [why["why"] for why in seen["meta"]["reasons"].values()] == [d.content for d in documents]

    async def test_documents_without_content_are_kept(self):
        image = Document(id="image", blob=ByteStream(b"x", mime_type="image/png"))
        audio = Document(id="audio", blob=ByteStream(b"x"))
        output = await both(ShortlistRanker("lexical"), QUERY, [image, audio, Document(id="t", content="tides")])
        assert ids(output) == ["t", "image", "audio"]

    @pytest.mark.parametrize(("keys", "order"), [({}, ["c", "b", "a"]), ({"position_key": "place"}, ["a", "b", "c"])])
    async def test_document_and_position_come_from_meta(self, keys, order):
        made = [
            Document(id=name, content="x", meta={"source_id": "tides", "split_id": i, "place": 3 - i})
            for i, name in enumerate("abc", 1)
        ]
        assert ids(await both(ShortlistRanker("by-place", **keys), QUERY, made)) == order

    async def test_odd_meta_is_no_position(self):
        made = [Document(id=n, content="x", meta={"source_id": 7, "split_id": "one"}) for n in "ab"]
        assert ids(await both(ShortlistRanker("by-place"), QUERY, made)) == ["a", "b"]

    @pytest.mark.parametrize("form", [float, str])
    async def test_a_place_that_a_store_gave_back_in_another_form(self, form):
        meta = [{"source_id": "tides", "split_id": form(i)} for i in range(1, 4)]
        made = [Document(id=name, content="x", meta=each) for name, each in zip("abc", meta, strict=True)]
        assert ids(await both(ShortlistRanker("by-place"), QUERY, made)) == ["c", "b", "a"]

    async def test_retriever_scores_and_embeddings_go_along(self):
        made = [
            Document(id=name, content="x", score=score, embedding=vector)
            for name, score, vector in (("a", 1.0, [1.0, 0.0]), ("twin", 0.9, [1.0, 0.0]), ("far", 0.8, [0.0, 1.0]))
        ]
        output = await both(ShortlistRanker("mmr(diversity=0.7)", top_k=2), QUERY, made)
        assert ids(output) == ["a", "far"]
        assert output["meta"]["usage"]["calls"] == 0


class TestBlankQuery:
    @pytest.mark.parametrize("query", ["", "  \n"])
    async def test_a_blank_query_returns_the_documents_as_they_came(self, query, documents, caplog, sync_generator):
        generator = sync_generator
        twice = [*documents, documents[0]]
        with caplog.at_level(logging.WARNING):
            output = await both(ShortlistRanker("judge", chat_generator=generator, top_k=3), query, twice)
        assert ids(output) == ["bread", "moon", "sun"]
        assert [d.score for d in output["documents"]] == [0.1] * 3
        assert "lank query" in caplog.text
        assert output["meta"]["degraded"] == "the query is blank: not ranked"
        assert output["meta"]["score_kind"] is None
        assert output["meta"]["dropped"] == {"odd": "below the first 3"}
        assert len(output["meta"]["repairs"]) == 1
        assert generator.events == []

    async def test_a_query_that_is_no_text_is_an_error(self, documents):
        with pytest.raises(ValueError, match="query"):
            ShortlistRanker("lexical").run(None, documents)

    async def test_a_query_of_odd_letters_is_ranked(self, documents, caplog):
        assert (await both(ShortlistRanker("lexical"), "?", documents))["meta"]["degraded"] is None
        assert caplog.text == ""


class TestLifecycle:
    def test_warm_up_makes_the_reranker_once(self, monkeypatch, documents):
        made = []
        load = ranker_module.load
        monkeypatch.setattr(ranker_module, "load", lambda *a, **k: made.append(1) or load(*a, **k))
        ranker = ShortlistRanker("lexical")
        for _ in range(3):
            ranker.warm_up()
            ranker.run(QUERY, documents)
        assert made == [1]

    def test_warm_up_and_close_are_handed_on(self, sync_generator, text_embedder):
        generator, text = sync_generator, text_embedder
        ranker = ShortlistRanker("judge", chat_generator=generator, text_embedder=text)
        ranker.warm_up()
        ranker.close()
        assert generator.events == ["warm_up", "close"]
        assert text.calls == ["warm_up"]

    async def test_the_async_hooks_are_preferred(self, async_generator):
        generator = async_generator
        ranker = ShortlistRanker("judge", chat_generator=generator)
        await ranker.warm_up_async()
        await ranker.close_async()
        assert generator.events == ["warm_up_async", "close_async"]

    async def test_without_async_hooks_the_others_run_in_a_thread(self, sync_generator):
        threads = []

        class Slow(type(sync_generator)):
            def warm_up(self):
                threads.append(threading.current_thread())

            close = warm_up

        ranker = ShortlistRanker("judge", chat_generator=Slow())
        await ranker.warm_up_async()
        await ranker.close_async()
        assert len(threads) == 2
        assert threading.main_thread() not in threads

    async def test_warm_up_async_loads_in_a_thread(self, monkeypatch):
        threads = []
        load = ranker_module.load

        def noting(*args, **kwargs):
            threads.append(threading.current_thread())
            return load(*args, **kwargs)

        monkeypatch.setattr(ranker_module, "load", noting)
        ranker = ShortlistRanker("lexical")
        await ranker.warm_up_async()
        await ranker.warm_up_async()
        assert len(threads) == 1
        assert threads[0] is not threading.main_thread()

    async def test_it_works_after_close(self, documents, async_generator):
        ranker = ShortlistRanker("judge", chat_generator=async_generator, top_k=1)
        for _ in range(2):
            assert ids(await ranker.run_async(QUERY, documents)) == ["moon"]
            await ranker.close_async()


class TestManyAtOnce:
    def test_fifty_threads_on_one_instance(self, documents, monkeypatch, text_embedder, document_embedder):
        made = []
        load = ranker_module.load
        monkeypatch.setattr(ranker_module, "load", lambda *a, **k: made.append(1) or load(*a, **k))
        queries = [QUERY if i % 2 else "yeast bread" for i in range(50)]
        ranker = ShortlistRanker("fuse(lexical, similarity)", text_embedder=text_embedder, document_embedder=document_embedder, top_k=1)  # fmt: skip
        barrier = threading.Barrier(50)

        def one(query):
            barrier.wait()
            return ids(ranker.run(query, documents))

        with ThreadPoolExecutor(50) as pool:
            found = list(pool.map(one, queries))
        assert found == [["moon"] if i % 2 else ["bread"] for i in range(50)]
        assert made == [1]

    async def test_many_on_one_loop(self, documents, async_generator):
        ranker = ShortlistRanker("judge", chat_generator=async_generator, top_k=2)
        found = await asyncio.gather(*(ranker.run_async(QUERY, documents) for _ in range(20)))
        assert [ids(output) for output in found] == [["moon", "sun"]] * 20

    async def test_run_inside_a_running_loop(self, documents, async_generator):
        assert ids(ShortlistRanker("judge", chat_generator=async_generator, top_k=1).run(QUERY, documents)) == ["moon"]

    def test_one_instance_on_several_loops(self, documents, async_generator):
        ranker = ShortlistRanker("judge", chat_generator=async_generator, top_k=1)
        for _ in range(3):
            assert ids(asyncio.run(ranker.run_async(QUERY, documents))) == ["moon"]
