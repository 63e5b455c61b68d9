"""LlamaIndex's models as doors of the core."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LogProb
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import MockLLM

from llama_index.postprocessor.shortlist import LlamaIndexChat, LlamaIndexEmbedder, ShortlistRerank, base
from shortlist import (
    BadAnswer,
    Call,
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    ModelError,
    Passage,
    Plan,
    Ranking,
    Reranker,
    Retry,
    Runtime,
    Similarity,
    Text,
)
from shortlist.models.fakes import HashEmbedder


class GradingLLM(MockLLM):
    """Answers with the number of words that the last turn shares with the first; or fails with what it is given."""

    _response: dict[str, Any] = PrivateAttr(default_factory=dict)
    _error: Exception | None = PrivateAttr(default=None)
    _asked: list[tuple[str, list[ChatMessage]]] = PrivateAttr(default_factory=list)

    def __init__(self, response: dict[str, Any] | None = None, error: Exception | None = None) -> None:
        super().__init__()
        self._response, self._error = response or {}, error

    @property
    def asked(self) -> list[tuple[str, list[ChatMessage]]]:
        return self._asked

    def _answered(self, how: str, messages: Sequence[ChatMessage]) -> ChatResponse:
        self._asked.append((how, list(messages)))
        if self._error is not None:
            raise self._error
        first, last = (set(message.content.lower().split()) for message in (messages[0], messages[-1]))
        return ChatResponse(message=ChatMessage(role="assistant", content=str(len(first & last))), **self._response)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._answered("chat", messages)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        await asyncio.sleep(0)
        return self._answered("achat", messages)


@dataclass(frozen=True)
class Graded(Reranker):
    """One prompt a passage."""

    name = "graded-in-tests"
    chat: ChatModel

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        replies = yield from self.chat.chat([request(query, passage.text) for passage in passages])
        return Ranking.by_score(passages, [float(reply.text) for reply in replies], "utility")


def request(*turns: str, **settings: Any) -> ChatRequest:
    return ChatRequest((Message("system", turns[0]), *(Message("user", turn) for turn in turns[1:])), **settings)


def answered(llm: MockLLM, ask: ChatRequest):
    (reply,) = LlamaIndexChat(llm).answer([ask], Call())
    return reply


@pytest.mark.parametrize("form", ["chat", "achat"])
async def test_llm_rerank(form, nodes, query):
    llm = GradingLLM()
    rerank = ShortlistRerank(reranker=Graded(LlamaIndexChat(llm)), top_n=2)
    if form == "chat":
        kept = rerank.postprocess_nodes(nodes, query_str=query)
    else:
        kept = await rerank.apostprocess_nodes(nodes, query_str=query)
    assert [(item.node_id, item.score) for item in kept] == [("node-1", 2.0), ("node-0", 0.0)]
    assert [how for how, _ in llm.asked] == [form] * len(nodes)


def test_turns_keep_their_roles_and_the_schema_is_asked_for_in_words():
    llm = GradingLLM()
    schema = json.dumps({"type": "object"})
    answered(llm, request("be brief", "what?", schema=schema))
    ((_, messages),) = llm.asked
    assert [message.role.value for message in messages] == ["system", "user"]
    assert messages[0].content == "be brief"
    assert messages[1].content.startswith("what?")
    assert messages[1].content.endswith(schema)


@pytest.mark.parametrize(
    ("response", "tokens"),
    [
        ({}, (0, 0)),
        ({"additional_kwargs": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}, (5, 2)),
        ({"raw": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}}, (5, 2)),
        ({"raw": {"usage": {"input_tokens": 5, "output_tokens": 2}}}, (5, 2)),
        ({"raw": {"usage_metadata": {"prompt_token_count": 5, "candidates_token_count": 2}}}, (5, 2)),
        ({"raw": {"usage": {"prompt_tokens": None, "completion_tokens": None}}}, (0, 0)),
        ({"raw": object()}, (0, 0)),
        ({"raw": {"usage": "much"}}, (0, 0)),
    ],
)
def test_tokens_are_read_where_the_client_reveals_them(response, tokens):
    reply = answered(GradingLLM(response=response), request("a", "b"))
    assert (reply.tokens_in, reply.tokens_out) == tokens
    assert reply.money is None


def test_tokens_reach_usage(nodes, query):
    llm = GradingLLM(response={"additional_kwargs": {"prompt_tokens": 5, "completion_tokens": 2}})
    usage = ShortlistRerank(reranker=Graded(LlamaIndexChat(llm))).rank_nodes(nodes, query).usage
    assert (usage.calls, usage.tokens_in, usage.tokens_out, usage.money) == (4, 20, 8, None)


def test_labels_are_the_log_probabilities_of_the_first_position():
    position = [
        LogProb(token=" Yes", logprob=-0.1),
        LogProb(token="no", logprob=-2.0),
        LogProb(token="Yes", logprob=-9),
    ]
    llm = GradingLLM(response={"logprobs": [position, [LogProb(token="no", logprob=0.0)]]})
    labels = answered(llm, request("a", "b", labels=("Yes", "no", "maybe"))).value.labels
    assert labels == {"Yes": pytest.approx(math.log(math.exp(-0.1) + math.exp(-9))), "no": -2.0}
    assert answered(llm, request("a", "b", labels=("no",), labels_after=" Yes")).value.labels == {"no": 0.0}
    assert answered(llm, request("a", "b", labels=("no",), labels_after="</think>")).value.labels == {}
    assert answered(llm, request("a", "b")).value.labels == {}
    assert answered(GradingLLM(), request("a", "b", labels=("Yes",))).value.labels == {}


def test_a_raw_text_is_said_by_the_user():
    llm = GradingLLM()
    answered(llm, ChatRequest((Message("text", "Rank."),)))
    ((_, messages),) = llm.asked
    assert [(message.role.value, message.content) for message in messages] == [("user", "Rank.")]


def test_a_turn_to_go_on_with_stays_the_last_and_as_it_is():
    llm = GradingLLM()
    turns = (Message("user", "rank"), Message("assistant", "["))
    answered(llm, ChatRequest(turns, schema="{}"))
    ((_, messages),) = llm.asked
    assert (messages[-1].role.value, messages[-1].content) == ("assistant", "[")
    assert messages[0].content.endswith("{}")


@pytest.mark.parametrize(
    ("raw", "cut"),
    [
        ({"choices": [{"finish_reason": "length"}]}, True),
        (SimpleNamespace(choices=[SimpleNamespace(finish_reason="length")]), True),
        ({"stop_reason": "max_tokens"}, True),
        ({"done_reason": "length"}, True),
        ({"choices": [{"finish_reason": "stop"}]}, False),
        ({"choices": []}, False),
        ("length", False),
        (None, False),
    ],
)
def test_an_answer_that_was_cut(raw, cut):
    assert answered(GradingLLM(response={"raw": raw}), request("a", "b")).value.cut is cut


def test_an_llm_that_completes_only_is_a_chat_model_too():
    reply = answered(MockLLM(max_tokens=2), request("a", "b"))
    assert isinstance(reply.value, ChatReply)
    assert reply.value.text


class StatusError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status_code = status


def test_errors_that_may_pass_are_asked_again(nodes, query):
    runtime = Runtime(retry=Retry(attempts=3, first=0.0))
    for error, calls in ((StatusError(503), 3), (StatusError(401), 1)):
        llm = GradingLLM(error=error)
        with pytest.raises(ModelError):
            ShortlistRerank(reranker=Graded(LlamaIndexChat(llm)), runtime=runtime).rank_nodes(nodes[:1], query)
        assert len(llm.asked) == calls


def test_a_name_takes_the_framework_models(monkeypatch, embed_model):
    given = []
    load = base.load
    monkeypatch.setattr(base, "load", lambda *a, models: given.extend(models) or load(*a, models=models))
    llm = MockLLM()
    ShortlistRerank(reranker="similarity", llm=llm, embed_model=embed_model)
    assert [type(model) for model in given] == [LlamaIndexChat, LlamaIndexEmbedder]
    assert given[0].llm is llm
    assert given[1].embed_model is embed_model


async def test_embedder_is_called_once_for_all(embed_model, nodes, query):
    rerank = ShortlistRerank(reranker="similarity", embed_model=embed_model)
    expected = Similarity(HashEmbedder()).rank(query, [item.text for item in nodes])
    kept = rerank.postprocess_nodes(nodes, query_str=query)
    assert embed_model.calls == [("query", 1), ("texts", 4)]
    assert [item.text for item in kept] == expected.texts
    assert [item.score for item in kept] == pytest.approx([item.score for item in expected.kept])
    embed_model.calls.clear()
    again = await rerank.apostprocess_nodes(nodes, query_str=query)
    assert sorted(embed_model.calls) == [("aquery", 1), ("atexts", 4)]
    assert [item.node_id for item in again] == [item.node_id for item in kept]


def test_an_object_keeps_its_own_models(embed_model, nodes, query):
    rerank = ShortlistRerank(reranker=Similarity(HashEmbedder()), embed_model=embed_model)
    rerank.postprocess_nodes(nodes, query_str=query)
    assert embed_model.calls == []


def test_many_texts_go_in_chunks(embed_model):
    payloads = [Text("q", "query"), *(Text(f"text {i}") for i in range(300))]
    groups = LlamaIndexEmbedder(embed_model).split(payloads)
    assert [i for group in groups for i in group] == list(range(301))
    assert max(map(len, groups)) <= 128


async def test_vectors_stand_in_the_order_asked(embed_model):
    payloads = [Text("moon"), Text("sea", "query"), Text("sand"), Text("sun", "query")]
    own = [reply.value.tolist() for reply in HashEmbedder().answer(payloads, Call())]
    door = LlamaIndexEmbedder(embed_model)
    assert [reply.value.tolist() for reply in door.answer(payloads, Call())] == own
    assert [reply.value.tolist() for reply in await door.aanswer(payloads, Call())] == own


async def test_too_few_vectors_are_a_bad_answer(embed_model, nodes, query, monkeypatch):
    vectors = type(embed_model)._vectors
    monkeypatch.setattr(type(embed_model), "_vectors", lambda self, how, texts: vectors(self, how, texts)[:1])
    rerank = ShortlistRerank(reranker="similarity", embed_model=embed_model)
    with pytest.raises(BadAnswer):
        rerank.postprocess_nodes(nodes, query_str=query)
    with pytest.raises(BadAnswer):
        await rerank.apostprocess_nodes(nodes, query_str=query)


async def test_errors_of_the_embedder_become_ours(embed_model, nodes, query, monkeypatch):
    def fail(self, how, texts):
        raise LookupError(how)

    monkeypatch.setattr(type(embed_model), "_vectors", fail)
    rerank = ShortlistRerank(reranker="similarity", embed_model=embed_model)
    with pytest.raises(ModelError, match="LookupError"):
        rerank.postprocess_nodes(nodes, query_str=query)
    with pytest.raises(ModelError, match="LookupError"):
        await rerank.apostprocess_nodes(nodes, query_str=query)


def test_doors_have_labels(embed_model):
    assert LlamaIndexChat(MockLLM()).label == "MockLLM"
    assert LlamaIndexEmbedder(embed_model).label == embed_model.model_name
