"""LangChain's models as doors."""

from __future__ import annotations

import asyncio
import json
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import BaseChatModel, FakeListChatModel, FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda

from langchain_shortlist import ShortlistCompressor
from langchain_shortlist.bridge import LangChainChat, LangChainEmbedder, LangChainScorer
from shortlist import BadAnswer, ChatRequest, Message, ModelError, ModelUnavailable, Retry, Runtime, Similarity, Text
from shortlist.models.fakes import HashEmbedder
from shortlist.plan import Call

ASK = ChatRequest((Message("system", "Be brief."), Message("user", "Hello?"), Message("assistant", "Yes?")))
SCHEMA = json.dumps({"type": "object", "properties": {"order": {"type": "array", "items": {"type": "integer"}}}})


async def both(model, request):
    """The one reply, by both ways."""
    (reply,) = model.answer([request], Call())
    (awaited,) = await model.aanswer([request], Call())
    assert reply == awaited
    return reply


class ToolChat(BaseChatModel):
    """Calls the first tool it is bound to with what it was told to; without tools, gives log-probabilities."""

    arguments: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None

    @property
    def _llm_type(self) -> str:
        return "tool"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=tools)

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
        message = AIMessage("prose", usage_metadata=usage)
        if kwargs.get("tools") and self.arguments is not None:
            name = kwargs["tools"][0]["title"]
            message.tool_calls = [{"name": name, "args": self.arguments, "id": "1", "type": "tool_call"}]
        if self.logprobs:
            tokens = [(" A", -0.5), ("B", -1.0), ("A", -2.0), ("So", -3.0)][: self.top_logprobs]
            top = [{"token": token, "logprob": value} for token, value in tokens]
            message.response_metadata = {"logprobs": {"content": [{"token": " A", "top_logprobs": top}]}}
        return ChatResult(generations=[ChatGeneration(message=message)])


# Chat


async def test_messages_keep_their_roles():
    seen: list[Any] = []
    await both(LangChainChat(RunnableLambda(lambda messages: seen.append(messages) or "ok")), ASK)
    assert seen[0] == seen[1] == [SystemMessage("Be brief."), HumanMessage("Hello?"), AIMessage("Yes?")]


async def test_a_message_with_usage():
    usage = {"input_tokens": 11, "output_tokens": 2, "total_tokens": 13}
    llm = FakeMessagesListChatModel(responses=[AIMessage("fine", usage_metadata=usage)])
    reply = await both(LangChainChat(llm), ASK)
    assert (reply.value.text, reply.tokens_in, reply.tokens_out, reply.money) == ("fine", 11, 2, None)


async def test_content_in_blocks_is_read_as_text():
    llm = FakeMessagesListChatModel(
        responses=[AIMessage([{"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}])]
    )
    assert (await both(LangChainChat(llm), ASK)).value.text == "fine"


async def test_a_runnable_around_a_model():
    llm = FakeListChatModel(responses=["a"]).with_retry() | RunnableLambda(lambda message: message)
    assert (await both(LangChainChat(llm), ASK)).value.text == "a"


async def test_a_schema_through_structured_output():
    reply = await both(LangChainChat(ToolChat(arguments={"order": [2, 1]})), ASK._replace(schema=SCHEMA))
    assert json.loads(reply.value.text) == {"order": [2, 1]}
    assert (reply.tokens_in, reply.tokens_out) == (7, 3)


async def test_a_schema_that_the_model_did_not_follow():
    reply = await both(LangChainChat(ToolChat()), ASK._replace(schema=SCHEMA))
    assert reply.value.text == "prose"


@pytest.mark.parametrize("schema", [SCHEMA, '{"type": "array"}'])
async def test_a_schema_for_a_model_that_knows_none(schema):
    reply = await both(LangChainChat(FakeListChatModel(responses=["[1]"])), ASK._replace(schema=schema))
    assert reply.value.text == "[1]"


async def test_label_log_probabilities():
    model = ToolChat()
    reply = await both(LangChainChat(model), ASK._replace(labels=("A", "B", "C")))
    assert reply.value.labels == {"A": pytest.approx(np.logaddexp(-0.5, -2.0)), "B": -1.0}
    assert model.logprobs is None


async def test_labels_after_thinking():
    rows = [{"token": token, "logprob": -0.1, "top_logprobs": []} for token in ("A", "</think>", "B")]
    llm = FakeMessagesListChatModel(responses=[AIMessage("B", response_metadata={"logprobs": {"content": rows}})])
    reply = await both(LangChainChat(llm), ASK._replace(labels=("A", "B"), labels_after="</think>"))
    assert reply.value.labels == {"B": -0.1}


async def test_a_raw_text_is_said_by_the_user():
    seen: list[Any] = []
    llm = LangChainChat(RunnableLambda(lambda messages: seen.append(messages) or "ok"))
    await both(llm, ChatRequest((Message("text", "Rank."),)))
    assert seen[0] == [HumanMessage("Rank.")]


@pytest.mark.parametrize(
    ("told", "cut"),
    [
        ({"finish_reason": "length"}, True),
        ({"stop_reason": "max_tokens"}, True),
        ({"done_reason": "length"}, True),
        ({"finish_reason": "MAX_TOKENS"}, True),
        ({"finish_reason": "stop", "logprobs": None}, False),
        ({}, False),
    ],
)
async def test_an_answer_that_was_cut(told, cut):
    llm = FakeMessagesListChatModel(responses=[AIMessage("fine", response_metadata=told)])
    assert (await both(LangChainChat(llm), ASK)).value.cut is cut


async def test_no_labels_from_a_model_that_reveals_none():
    reply = await both(LangChainChat(FakeListChatModel(responses=["A"])), ASK._replace(labels=("A",)))
    assert (reply.value.text, reply.value.labels) == ("A", {})


def test_tokens_are_counted_in_the_usage(documents, question):
    usage = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
    llm = FakeMessagesListChatModel(responses=[AIMessage("1", usage_metadata=usage)])
    ranking = ShortlistCompressor(reranker="judge", llm=llm).rank(documents, question)
    assert (ranking.usage.calls, ranking.usage.tokens_in, ranking.usage.tokens_out) == (5, 50, 5)
    assert ranking.usage.money is None


async def test_prompts_of_one_round_are_awaited_together(documents, question):
    waiting, most = 0, 0

    async def slow(messages: Any) -> str:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.01)
        waiting -= 1
        return "1"

    llm = RunnableLambda(lambda _: pytest.fail("the async form is there"), afunc=slow)
    await ShortlistCompressor(reranker="judge", llm=llm).acompress_documents(documents, question)
    assert most == len(documents)


# Embeddings


async def test_embeddings_are_asked_in_batches(embeddings):
    model = LangChainEmbedder(embeddings, batch=2)
    texts = [Text("q", "query"), *(Text(str(i)) for i in range(5))]
    assert model.split(texts) == [[0], [1, 2], [3, 4], [5]]


async def test_query_and_documents_go_their_own_ways(embeddings, documents, question):
    compressor = ShortlistCompressor(reranker="similarity", embeddings=embeddings)
    found = compressor.compress_documents(documents, question)
    assert sorted(embeddings.calls) == [("documents", 5), ("query", 1)]
    embeddings.calls.clear()
    assert await compressor.acompress_documents(documents, question) == found
    assert sorted(embeddings.calls) == [("adocuments", 5), ("aquery", 1)]


def test_the_same_order_as_with_the_core_model_behind_it(embeddings, documents, question):
    bridged = ShortlistCompressor(reranker="similarity", embeddings=embeddings).rank(documents, question)
    plain = Similarity(HashEmbedder()).rank(question, [d.page_content for d in documents])
    assert [item.index for item in bridged.kept] == [item.index for item in plain.kept]
    assert [i.score for i in bridged.kept] == pytest.approx([i.score for i in plain.kept])


def test_the_frameworks_own_fake_embedding(documents):
    compressor = ShortlistCompressor(reranker="mmr", embeddings=DeterministicFakeEmbedding(size=32), top_n=1)
    (found,) = compressor.compress_documents(documents, documents[3].page_content)
    assert found.id == "d3"


def test_too_few_vectors_are_an_error(embeddings, documents, question, monkeypatch):
    monkeypatch.setattr(embeddings, "embed_documents", lambda texts: [[1.0, 0.0]])
    with pytest.raises(BadAnswer):
        ShortlistCompressor(reranker="similarity", embeddings=embeddings).compress_documents(documents, question)


# Cross-encoders


async def test_cross_encoder(cross_encoder, documents, question):
    compressor = ShortlistCompressor(reranker="cross-encoder", cross_encoder=cross_encoder, top_n=2)
    found = compressor.compress_documents(documents, question)
    assert [d.id for d in found] == ["d1", "d2"]
    assert all(type(d.metadata["relevance_score"]) is float for d in found)
    assert await compressor.acompress_documents(documents, question) == found


def test_a_score_that_is_not_finite_is_an_error(cross_encoder, documents, question, monkeypatch):
    monkeypatch.setattr(cross_encoder, "score", lambda pairs: np.full(len(pairs), np.nan))
    with pytest.raises(BadAnswer):
        ShortlistCompressor(reranker="cross-encoder", cross_encoder=cross_encoder).compress_documents(
            documents, question
        )


def test_all_kinds_at_once_in_one_expression(chat, embeddings, cross_encoder, documents, question):
    compressor = ShortlistCompressor(
        reranker="similarity[:4] >> cross-encoder[:3] >> judge",
        llm=chat,
        embeddings=embeddings,
        cross_encoder=cross_encoder,
    )
    found = compressor.compress_documents(documents, question)
    assert [d.id for d in found][:2] == ["d1", "d2"]
    assert len(found) == 3
    assert len(chat.asynchronous) == 3


def test_a_reranker_that_has_its_models_keeps_them(embeddings, documents, question):
    compressor = ShortlistCompressor(reranker=Similarity(HashEmbedder()), embeddings=embeddings)
    compressor.compress_documents(documents, question)
    assert embeddings.calls == []


# Failures


class StatusError(Exception):
    def __init__(self, status: int | None, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"status {status}")
        self.response = SimpleNamespace(status_code=status, headers=headers or {})


FINAL = [StatusError(401), StatusError(400), ValueError("no"), NotImplementedError("no")]


def failing(error: Exception) -> RunnableLambda:
    def fail(_: Any) -> str:
        raise error

    return RunnableLambda(fail)


@pytest.mark.parametrize("error", FINAL, ids=repr)
async def test_other_errors_are_asked_once_and_told_as_model_errors(error, documents, question):
    calls = []
    llm = RunnableLambda(lambda _: calls.append(1)) | failing(error)
    compressor = ShortlistCompressor(reranker="judge", llm=llm)
    with pytest.raises(ModelError, match=type(error).__name__) as told:
        compressor.compress_documents(documents[:1], question)
    assert not told.value.retriable
    with pytest.raises(ModelError, match=type(error).__name__):
        await compressor.acompress_documents(documents[:1], question)
    assert len(calls) == 2


async def test_an_outage_is_tried_again_and_then_the_fallback_answers(documents, question):
    calls = []
    llm = RunnableLambda(lambda _: calls.append(1)) | failing(StatusError(500))
    runtime = Runtime(retry=Retry(attempts=3, first=0.001))
    compressor = ShortlistCompressor(reranker="judge | lexical", llm=llm, runtime=runtime)
    ranking = compressor.rank(documents[:1], question)
    assert len(calls) == 3
    assert "500" in ranking.degraded
    assert "500" in (await compressor.arank(documents[:1], question)).degraded


@pytest.mark.parametrize("kind", ["query", "passage"])
async def test_embeddings_that_fail(kind, embeddings, monkeypatch):
    def fail(_: Any) -> Any:
        raise StatusError(503)

    async def afail(_: Any) -> Any:
        raise StatusError(503)

    for name in ("embed_query", "embed_documents"):
        monkeypatch.setattr(embeddings, name, fail)
        monkeypatch.setattr(embeddings, f"a{name}", afail)
    runtime = Runtime(retry=Retry(attempts=2, first=0.0))
    compressor = ShortlistCompressor(reranker="similarity", embeddings=embeddings, runtime=runtime)
    with pytest.raises(ModelUnavailable, match="503"):
        compressor.compress_documents([Document(page_content="x")], "q")
    with pytest.raises(ModelUnavailable, match="503"):
        await compressor.acompress_documents([Document(page_content="x")], "q")


def test_doors_are_themselves_and_nothing_else(embeddings, cross_encoder):
    chat = FakeListChatModel(responses=["a"])
    assert LangChainChat(chat) != LangChainChat(chat)
    assert len({LangChainChat(chat), LangChainEmbedder(embeddings), LangChainScorer(cross_encoder)}) == 3
    again = pickle.loads(pickle.dumps(LangChainChat(chat)))
    assert again.llm == chat
