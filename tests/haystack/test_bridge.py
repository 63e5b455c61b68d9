"""Haystack's models as doors."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from haystack import Document, component
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from haystack_integrations.components.rankers.shortlist.bridge import (
    AwaitedEmbedder,
    HaystackChat,
    HaystackEmbedder,
    bridged,
)
from shortlist import BadAnswer, ChatRequest, Message, ModelError, ModelUnavailable, Retry, Runtime, Similarity, Text
from shortlist.errors import ModelTimeout
from shortlist.models.fakes import HashEmbedder
from shortlist.plan import Call

QUERY = "what causes tides?"
ASK = ChatRequest((Message("system", "Be brief."), Message("user", "Hello?"), Message("assistant", "Yes?")))


class Says:
    """A generator that returns, or raises, what it is told to."""

    def __init__(self, result):
        self.result = result
        self.seen = []

    def run(self, messages):
        self.seen.append(messages)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class SaysAwaited(Says):
    async def run_async(self, messages):
        return Says.run(self, messages)


async def both(model, payloads):
    """The replies, which both ways agree on."""
    one, other = model.answer(payloads, Call()), await model.aanswer(payloads, Call())
    assert len(one) == len(other) == len(payloads)
    for a, b in zip(one, other, strict=True):
        if not isinstance(a, Exception):
            np.testing.assert_equal(a.value, b.value)
            assert a[1:] == b[1:]
    return one


def said(text, **meta):
    return {"replies": [ChatMessage.from_assistant(text, meta=meta)]}


class TestChat:
    @pytest.mark.parametrize("kind", [Says, SaysAwaited])
    async def test_roles_text_and_usage(self, kind):
        generator = kind(said("Hi.", usage={"prompt_tokens": 5, "completion_tokens": 2}))
        (reply,) = await both(HaystackChat(generator), [ASK])
        assert reply.value.text == "Hi."
        assert (reply.tokens_in, reply.tokens_out, reply.money) == (5, 2, None)
        assert [(m.role.value, m.text) for m in generator.seen[0]] == [tuple(m) for m in ASK.messages]

    @pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}])
    async def test_usage_that_is_not_told(self, usage):
        (reply,) = await both(HaystackChat(Says(said("Hi.", usage=usage))), [ASK])
        assert (reply.tokens_in, reply.tokens_out) == (0, 0)

    async def test_the_other_names_of_usage(self):
        (reply,) = await both(HaystackChat(Says(said("Hi.", usage={"input_tokens": 3, "output_tokens": 4}))), [ASK])
        assert (reply.tokens_in, reply.tokens_out) == (3, 4)

    @pytest.mark.parametrize("result", [{}, {"replies": []}, {"replies": [SimpleNamespace(text=None, meta={})]}])
    async def test_no_text_is_no_answer(self, result):
        with pytest.raises(BadAnswer):
            HaystackChat(Says(result)).answer([ASK], Call())
        with pytest.raises(BadAnswer):
            await HaystackChat(Says(result)).aanswer([ASK], Call())

    async def test_label_log_probabilities(self):
        top = [{"token": " A", "logprob": -0.5}, {"token": "A", "logprob": -2.0}, {"token": "C", "logprob": -3.0}]
        chat = HaystackChat(Says(said("A", logprobs={"content": [{"token": "A", "top_logprobs": top}]})))
        (reply,) = await both(chat, [ASK._replace(labels=("A", "B"))])
        assert reply.value.labels == {"A": pytest.approx(np.logaddexp(-0.5, -2.0))}
        assert chat.answer([ASK], Call())[0].value.labels == {}

    async def test_labels_after_thinking(self):
        rows = [{"token": token, "logprob": -0.1, "top_logprobs": []} for token in ("A", "</think>", "B")]
        chat = HaystackChat(Says(said("A", logprobs={"content": rows})))
        (reply,) = await both(chat, [ASK._replace(labels=("A", "B"), labels_after="</think>")])
        assert reply.value.labels == {"B": -0.1}

    async def test_a_raw_text_is_said_by_the_user(self):
        generator = Says(said("Hi."))
        await both(HaystackChat(generator), [ChatRequest((Message("text", "Rank."),))])
        assert [(m.role.value, m.text) for m in generator.seen[0]] == [("user", "Rank.")]

    @pytest.mark.parametrize(("reason", "cut"), [("length", True), ("stop", False), (None, False)])
    async def test_an_answer_that_was_cut(self, reason, cut):
        (reply,) = await both(HaystackChat(Says(said("Hi.", finish_reason=reason))), [ASK])
        assert reply.value.cut is cut

    def test_label_is_the_model(self):
        assert HaystackChat(MockChatGenerator("x", model="mock-7")).label == "mock-7"
        assert HaystackChat(Says({})).label == "Says"

    async def test_without_run_async_the_loop_is_not_blocked(self):
        threads = []

        class Slow(Says):
            def run(self, messages):
                threads.append(threading.current_thread())
                return said("Hi.")

        await HaystackChat(Slow(None)).aanswer([ASK], Call())
        assert threads[0] is not threading.main_thread()


def with_status(status, headers=None):
    error = RuntimeError("refused")
    error.status_code = status
    error.response = SimpleNamespace(headers=headers or {}, status_code=status)
    return error


class TestFailures:
    @pytest.mark.parametrize("error", [with_status(401), ValueError("no such model")], ids=repr)
    async def test_what_will_not_pass_is_asked_once_and_wrapped(self, error, documents):
        generator = Says(error)
        ranker = ShortlistRanker("judge", chat_generator=generator)
        with pytest.raises(ModelError, match=str(error)) as caught:
            ranker.run(QUERY, documents[:1])
        assert caught.value.__cause__ is error
        assert len(generator.seen) == 1

    async def test_what_may_pass_is_asked_again(self, documents):
        generator = SaysAwaited(with_status(503))
        ranker = ShortlistRanker("judge", chat_generator=generator, runtime=Runtime(retry=Retry(attempts=2, first=0.0)))
        with pytest.raises(ModelUnavailable):
            await ranker.run_async(QUERY, documents[:1])
        assert len(generator.seen) == 2


class TestEmbedders:
    def test_which_door(self):
        sync, awaited = SimpleNamespace(run=None), MockTextEmbedder()
        assert [type(m) for m in bridged(None, sync, None)] == [HaystackEmbedder]
        assert [type(m) for m in bridged(None, awaited, None)] == [AwaitedEmbedder]
        assert not next(bridged(None, sync, None)).remote
        assert next(bridged(None, awaited, None)).remote
        assert list(bridged(None, None, None)) == []

    def test_queries_alone_and_passages_in_batches(self):
        texts = [Text("q", "query"), *(Text(str(i)) for i in range(5))]
        model = HaystackEmbedder(MockTextEmbedder(), MockDocumentEmbedder(), batch=3)
        assert model.split(texts) == [[0], [1, 2, 3], [4, 5]]
        assert HaystackEmbedder(MockTextEmbedder()).split(texts[:3]) == [[0], [1], [2]]

    async def test_vectors_are_those_of_the_embedder(self):
        model = AwaitedEmbedder(MockTextEmbedder(dimension=8), MockDocumentEmbedder(dimension=8))
        (query,) = await both(model, [Text("tides and moon", "query")])
        found = await both(model, [Text("tides and moon"), Text("bread")])
        np.testing.assert_array_equal(query.value, found[0].value)
        assert query.value.dtype == np.float32
        assert (query.tokens_in, query.money) == (3, None)
        assert [reply.tokens_in for reply in found] == [4, 0]

    async def test_another_order_is_put_right(self, text_embedder, document_embedder):
        texts = [Text("moon"), Text("bread"), Text("sun")]
        found = await both(HaystackEmbedder(text_embedder, document_embedder), texts)
        expected = HashEmbedder(32).answer(texts, Call())
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.value, other.value, rtol=1e-6)
        assert [reply.tokens_in for reply in found] == [7, 0, 0]
        assert [reply.money for reply in found] == [0.0] * 3

    async def test_the_ranking_is_that_of_the_core(self, documents, text_embedder, document_embedder):
        expected = Similarity(HashEmbedder(32)).rank(QUERY, [document.content for document in documents])
        for given in ({}, {"document_embedder": document_embedder}):
            ranker = ShortlistRanker("similarity", text_embedder=text_embedder, **given)
            for output in (ranker.run(QUERY, documents), await ranker.run_async(QUERY, documents)):
                assert [d.content for d in output["documents"]] == expected.texts
                scores = [d.score for d in output["documents"]]
                assert scores == pytest.approx([item.score for item in expected.kept], abs=1e-6)
        assert document_embedder.sizes == [4, 4]

    async def test_an_awaited_embedder_ranks_alike(self, documents):
        given = {"text_embedder": MockTextEmbedder(dimension=8), "document_embedder": MockDocumentEmbedder(dimension=8)}
        ranker = ShortlistRanker("similarity", **given)
        one, other = ranker.run(QUERY, documents), await ranker.run_async(QUERY, documents)
        assert one["documents"] == other["documents"]
        assert one["meta"]["usage"]["tokens_in"] > 0

    async def test_a_text_without_a_vector_is_no_answer(self, documents, text_embedder):
        @component
        class Half:
            @component.output_types(documents=list[Document])
            def run(self, documents: list[Document]) -> dict:
                return {"documents": [replace(documents[0], embedding=[1.0]), *documents[1:]]}

        good, bad = HaystackEmbedder(text_embedder, Half()).answer([Text("a"), Text("b")], Call())
        assert good.value.tolist() == [1.0]
        assert isinstance(bad, BadAnswer)
        ranker = ShortlistRanker("similarity | keep-order", text_embedder=text_embedder, document_embedder=Half())
        assert "without a vector" in ranker.run(QUERY, documents)["meta"]["degraded"]

    def test_nothing_is_embedded_when_nobody_waits(self, text_embedder):
        call = Call()
        call.cancelled.set()
        with pytest.raises(ModelTimeout):
            HaystackEmbedder(text_embedder).answer([Text("a")], call)
        assert text_embedder.calls == []

    def test_a_reranker_given_as_an_object_keeps_its_models(self, documents, text_embedder):
        ShortlistRanker(Similarity(HashEmbedder()), text_embedder=text_embedder).run(QUERY, documents)
        assert text_embedder.calls == ["warm_up"]
