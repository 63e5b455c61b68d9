"""The OpenAI-compatible doors against a server that behaves."""

import asyncio
import importlib.util
import json
import math
import pickle
from dataclasses import asdict

import numpy as np
import pytest

from shortlist import (
    BadAnswer,
    Call,
    ChatReply,
    ChatRequest,
    InputError,
    Limits,
    Message,
    MissingExtra,
    ModelError,
    Reply,
    Runtime,
    Text,
)
from shortlist.algorithms.flops import Shape, flops
from shortlist.models import openai as doors
from shortlist.models import openai_client
from shortlist.models.base import Likelihood
from shortlist.models.named import as_model, model_from_dict, model_to_dict
from shortlist.models.openai import OpenAIChat, OpenAIEmbedder
from shortlist.models.remote import Price
from shortlist.runtime.loop import adrive
from shortlist.runtime.threads import drive

from .misbehaving import MODES, MisbehavingServer, chat, sending

pytestmark = pytest.mark.usefixtures("loopback")
ASK = ChatRequest((Message("system", "Rank."), Message("user", "[0] a [1] b [2] c")), max_tokens=64)


@pytest.fixture
def saying(monkeypatch):
    """A server that answers with this JSON."""

    def serve(answer):
        monkeypatch.setitem(MODES, "as told", sending(lambda request, fine: answer))
        return MisbehavingServer("as told")

    return serve


def model_at(server, **settings):
    return OpenAIChat("a-model", f"{server.url}/v1", **settings)


def asked(how, model, request=ASK):
    if how == "sync":
        (finished,) = drive([model.chat([request])], Runtime())
    else:
        (finished,) = asyncio.run(adrive([model.chat([request])], Runtime()))
    if isinstance(finished.result, Exception):
        raise finished.result
    return finished


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_prompt_and_its_answer(how):
    with MisbehavingServer() as server:
        finished = asked(how, model_at(server, price=Price(million_in=2.0, million_out=10.0)))
        assert finished.result == [ChatReply("[2, 0, 1]")]
        assert (finished.usage.tokens_in, finished.usage.tokens_out) == (100, 9)
        assert finished.usage.money == pytest.approx((100 * 2.0 + 9 * 10.0) / 1e6)
        (request,) = server.requests
        assert request.path == "/v1/chat/completions"
        assert request.body == {
            "model": "a-model",
            "messages": [{"role": "system", "content": "Rank."}, {"role": "user", "content": "[0] a [1] b [2] c"}],
            "max_tokens": 64,
            "temperature": 0.0,
        }


def test_many_prompts_are_many_requests_at_once():
    requests = [ASK._replace(max_tokens=n) for n in range(1, 21)]
    with MisbehavingServer() as server:
        model = model_at(server, concurrency=3)
        (finished,) = drive([model.chat(requests)], Runtime())
        assert finished.result == [ChatReply("[2, 0, 1]")] * 20
        assert (finished.usage.calls, finished.rounds[0].batches) == (20, 20)
        assert server.most_at_once <= 3
        assert sorted(r.body["max_tokens"] for r in server.requests) == list(range(1, 21))


def test_schema_and_options():
    schema = {"type": "object", "properties": {"order": {"type": "array"}}}
    options = {"seed": 7, "temperature": None, "chat_template_kwargs": {"enable_thinking": False}}
    with MisbehavingServer() as server:
        asked("sync", model_at(server, options=json.dumps(options)), ASK._replace(schema=json.dumps(schema)))
        body = server.requests[0].body
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }
    assert "temperature" not in body
    assert (body["seed"], body["chat_template_kwargs"]) == (7, {"enable_thinking": False})


def test_openai_itself_is_told_the_length_under_its_new_name():
    # Not sent: what would be, since there is no other way to see it without that server.
    assert OpenAIChat("m")._body(ASK)["max_completion_tokens"] == 64
    assert "max_tokens" not in OpenAIChat("m")._body(ASK)


PREFIX = ASK._replace(messages=(*ASK.messages, Message("assistant", "[")))


def test_a_last_turn_of_the_assistants_is_one_to_go_on_with():
    with MisbehavingServer() as server:
        asked("sync", model_at(server), PREFIX)
        asked("sync", model_at(server, options='{"continue_final_message": null}'), PREFIX)
        asked("sync", model_at(server), ASK)
        first, without, ordinary = (request.body for request in server.requests)
    assert (first["add_generation_prompt"], first["continue_final_message"]) == (False, True)
    assert first["messages"][-1] == {"role": "assistant", "content": "["}
    assert "continue_final_message" not in without
    assert not {"add_generation_prompt", "continue_final_message"} & ordinary.keys()


def test_openai_itself_is_sent_no_field_that_it_does_not_know():
    model = OpenAIChat("m", guided=True)
    assert model._body(PREFIX).keys() == {"model", "messages", "max_completion_tokens", "temperature"}


RAW = ChatRequest((Message("text", "<s>Rank: [1] a [2] b"),), max_tokens=8)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_raw_text_goes_past_the_template(how):
    with MisbehavingServer() as server:
        finished = asked(how, model_at(server), RAW)
        assert finished.result == [ChatReply(" and", cut=True)]
        assert (finished.usage.tokens_in, finished.usage.tokens_out) == (6, 1)
        (request,) = server.requests
        assert request.path == "/v1/completions"
        assert request.body == {
            "model": "a-model",
            "prompt": "<s>Rank: [1] a [2] b",
            "max_tokens": 8,
            "temperature": 0.0,
        }


@pytest.mark.parametrize("messages", [(), (Message("text", "a"), Message("user", "b")), (Message("text", "a"),) * 2])
def test_a_raw_text_stands_alone(messages):
    with MisbehavingServer() as server, pytest.raises(InputError):
        model_at(server).answer([ChatRequest(messages)], Call())
    assert not server.requests


ROWS = {"content": [{"token": "yes", "logprob": -0.1, "top_logprobs": [{"token": "yes", "logprob": -0.1}]}]}


@pytest.mark.parametrize(
    ("logprobs", "labels"),
    [
        ({"tokens": [" yes"], "token_logprobs": [-0.1], "top_logprobs": [{" yes": -0.1, "no": -3.0}]},
         {"yes": -0.1, "no": -3.0}),
        ({"tokens": [" yes"], "token_logprobs": [-0.1], "top_logprobs": [None]}, {"yes": -0.1}),
        ({"tokens": [" yes"], "token_logprobs": [-0.1]}, {"yes": -0.1}),
        ({"tokens": [" yes"], "token_logprobs": [-0.1], "top_logprobs": "none"}, {"yes": -0.1}),
        ({"tokens": []}, {}),
        ({"tokens": None}, {}),
        (None, {}),
        (ROWS, {"yes": -0.1}),
    ],
)  # fmt: skip
def test_labels_of_a_completion(saying, logprobs, labels):
    answer = {"choices": [{"text": " yes", "finish_reason": "stop", "logprobs": logprobs}]}
    with saying(answer) as server:
        (reply,) = asked("sync", model_at(server), RAW._replace(labels=("yes", "no"))).result
        assert (reply.text, reply.labels, reply.cut) == (" yes", pytest.approx(labels), False)
        assert server.requests[0].body["logprobs"] == 20


TOLD = {"content": [{"token": "[2", "logprob": -0.5}, {"token": "]", "logprob": -0.25, "top_logprobs": []}]}
COLUMNS = {"tokens": ["[2", "]"], "token_logprobs": [-0.5, -0.25], "top_logprobs": None}


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(("request_", "logprobs", "wanted"), [(ASK, TOLD, True), (RAW, COLUMNS, 1)])
def test_the_likelihood_of_the_answer(saying, how, request_, logprobs, wanted):
    answer = chat("[2]", logprobs=logprobs)
    if request_ is RAW:
        answer["choices"][0]["text"] = "[2]"
    with saying(answer) as server:
        (told,) = asked(how, model_at(server), request_._replace(confidence=True)).result
        (untold,) = asked(how, model_at(server), request_).result
        assert told == ChatReply("[2]", likelihood=Likelihood(-0.75, 2))
        assert untold == ChatReply("[2]")
        first, second = (request.body for request in server.requests)
    assert first["logprobs"] == wanted
    assert "top_logprobs" not in first
    assert "logprobs" not in second


def test_labels_and_the_likelihood_together_are_asked_for_once(saying):
    with saying(chat("[2]", logprobs=ROWS)) as server:
        (told,) = asked("sync", model_at(server), ASK._replace(confidence=True, labels=("yes",))).result
        assert (told.labels, told.likelihood) == ({"yes": -0.1}, Likelihood(-0.1, 1))
        body = server.requests[0].body
        asked("sync", model_at(server), RAW._replace(confidence=True, labels=("yes",)))
        assert (body["logprobs"], body["top_logprobs"], server.requests[1].body["logprobs"]) == (True, 20, 20)


def test_label_ids_ask_for_exactly_these_tokens():
    ids = {"yes": 9693, "no": 2152, "maybe": 7}
    with MisbehavingServer() as server:
        model = model_at(server, label_ids=ids)
        for labels in (("no", "yes"), ("yes", "unknown"), ()):
            asked("sync", model, ASK._replace(labels=labels))
        asked("sync", model, RAW._replace(labels=("yes",)))
        bodies = [request.body for request in server.requests]
    assert [body.get("logprob_token_ids") for body in bodies] == [[2152, 9693], None, None, [9693]]
    assert bodies[0]["logprobs"] is True
    assert model.label_ids == tuple(ids.items())
    assert model_from_dict(json.loads(json.dumps(model_to_dict(model)))) == model
    assert hash(model)
    assert model.fingerprint != model_at(server).fingerprint


def test_a_pattern_is_sent_where_the_server_is_said_to_know_it():
    wanted = ASK._replace(pattern=r"\[\d\]")
    with MisbehavingServer() as server:
        asked("sync", model_at(server), wanted)
        asked("sync", model_at(server, guided=True), wanted)
        asked("sync", model_at(server, guided=True), wanted._replace(schema="{}"))
        plain, guided, both = (request.body for request in server.requests)
    assert "structured_outputs" not in plain
    assert guided["structured_outputs"] == {"regex": r"\[\d\]"}
    assert "structured_outputs" not in both
    assert "response_format" in both


def written(*tokens):
    content = [
        {"token": t, "logprob": -0.1, "top_logprobs": [{"token": t, "logprob": -0.1}, *rest]} for t, *rest in tokens
    ]
    return chat("", logprobs={"content": content})


def test_labels_after_thinking(saying):
    said = [["true"], ["</"], ["think"], [">\n"], [" true", {"token": " false", "logprob": -2.0}], ["false"]]
    wanted = ASK._replace(labels=(" true", " false"), labels_after="</think>")
    with saying(written(*said)) as server:
        (reply,) = asked("sync", model_at(server), wanted).result
        assert reply.labels == {" true": -0.1, " false": -2.0}
    with saying(written(*said[:3])) as server:
        assert asked("sync", model_at(server), wanted).result[0].labels == {}


def top(*pairs):
    return {"logprobs": {"content": [{"token": pairs[0][0], "logprob": pairs[0][1], "top_logprobs": [
        {"token": token, "logprob": logprob} for token, logprob in pairs]}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "labels"),
    [
        (top(("Yes", -0.1), ("No", -2.5), ("Maybe", -4.0)), {"Yes": -0.1, "No": -2.5}),
        (top((" Yes", -0.1), ("▁No", -2.5), ("ĠYes", -9999.0)), {"Yes": -0.1, "No": -2.5}),
        (top(("Yes", math.log(0.5)), (" Yes", math.log(0.25))), {"Yes": math.log(0.75)}),
        (top(("yes", -0.1), ("Perhaps", -1.0)), {}),
        ({"logprobs": {"content": [{"token": "No", "logprob": -0.2, "top_logprobs": []}]}}, {"No": -0.2}),
        ({"logprobs": {"content": [{"token": "No", "logprob": -0.2}]}}, {"No": -0.2}),
        ({"logprobs": {"content": []}}, {}),
        ({"logprobs": None}, {}),
        ({}, {}),
    ],
)
def test_labels_at_the_first_position(saying, choice, labels):
    with saying(chat("Yes", **choice)) as server:
        (reply,) = asked("sync", model_at(server), ASK._replace(labels=("Yes", "No"), max_tokens=1)).result
        assert reply.text == "Yes"
        assert reply.labels == pytest.approx(labels)
        assert server.requests[0].body["logprobs"] is True
        assert server.requests[0].body["top_logprobs"] == 20


@pytest.mark.parametrize("logprob", [math.nan, -math.inf, "-0.1", None, True])
def test_a_label_with_no_number(saying, logprob):
    with saying(chat("Yes", **top(("Yes", logprob)))) as server, pytest.raises(BadAnswer, match="not a finite"):
        asked("sync", model_at(server), ASK._replace(labels=("Yes",)))


def test_an_answer_that_was_cut_is_handed_over(saying):
    with saying(chat("[2, 0", finish_reason="length")) as server:
        assert asked("sync", model_at(server)).result == [ChatReply("[2, 0", cut=True)]
    with saying(chat(None, finish_reason="length")) as server:
        assert asked("sync", model_at(server)).result == [ChatReply("", cut=True)]


@pytest.mark.parametrize("thinking", [{"reasoning": "Hm."}, {"reasoning_content": "Hm."}])
@pytest.mark.parametrize("content", [None, "", "[2]"])
def test_thinking_that_is_told_apart_is_no_part_of_the_answer(saying, thinking, content):
    with saying(chat(content, message=thinking)) as server:
        assert asked("sync", model_at(server)).result == [ChatReply(content or "")]


def test_a_refusal_is_said(saying):
    answer = chat("", message={"refusal": "Not this one."})
    with saying(answer) as server, pytest.raises(BadAnswer, match="Not this one"):
        asked("sync", model_at(server))


def test_a_server_that_counts_nothing_has_no_known_cost(saying):
    with saying({**chat("x"), "usage": None}) as server:
        usage = asked("sync", model_at(server, price=(1.0, 1.0))).usage
        assert (usage.tokens_in, usage.tokens_out, usage.money) == (0, 0, None)


def test_operations_are_counted_where_the_shape_is_told(saying):
    shape = Shape("decoder", 2, 64, 160, heads=4, vocab=200)
    used = {"prompt_tokens": 100, "completion_tokens": 9}
    with saying({**chat("x"), "usage": used}) as server:
        assert asked("sync", model_at(server)).usage.flops is None
        told = asked("sync", model_at(server, shape=asdict(shape))).usage.flops
        assert told == flops(shape, 100, 9, logits=9 * 200)
    with saying({**chat("x"), "usage": {**used, "prompt_tokens_details": {"cached_tokens": 64}}}) as server:
        found = asked("async", model_at(server, shape=shape)).usage.flops
        assert found == flops(shape, 100, 9, prefix=64, logits=9 * 200) < told
    with saying({**chat("x"), "usage": None}) as server:
        assert asked("sync", model_at(server, shape=shape)).usage.flops is None


def test_a_shape_is_a_setting():
    config = {"model_type": "gpt2", "n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 200}
    model = OpenAIChat("m", "http://host/v1", shape=config)
    assert model.shape == Shape("decoder", 2, 64, 256, heads=4, vocab=200)
    assert model_from_dict(json.loads(json.dumps(model_to_dict(model)))) == model == pickle.loads(pickle.dumps(model))
    assert hash(model) and model.fingerprint == OpenAIChat("m", "http://host/v1").fingerprint
    for make in (OpenAIChat, OpenAIEmbedder):
        with pytest.raises(InputError, match="no shape can be read of a 'mixtral'"):
            make("m", "http://host/v1", shape={"model_type": "mixtral"})


def test_a_limit_on_money_needs_a_price():
    with MisbehavingServer() as server:
        (finished,) = drive([model_at(server).chat([ASK])], Runtime(Limits(money=1.0)))
        assert isinstance(finished.result, InputError)
        assert not server.requests


@pytest.mark.parametrize("how", ["sync", "async"])
def test_the_key_is_sent_and_never_kept(monkeypatch, how):
    monkeypatch.setenv("MY_KEY", "very-secret")
    with MisbehavingServer("fine", "401") as server:
        model = model_at(server, key_variable="MY_KEY")
        asked(how, model)
        assert server.requests[0].headers["authorization"] == "Bearer very-secret"
        with pytest.raises(ModelError, match="HTTP 401") as caught:
            asked(how, model)
    assert "***" in str(caught.value)
    told = [str(caught.value), repr(model), json.dumps(model_to_dict(model)), model.fingerprint, model.label]
    assert not any("secret" in text for text in told)
    assert "secret" not in repr(openai_client.Endpoint.of(model.base_url, "MY_KEY"))
    assert b"secret" not in pickle.dumps(model)


def test_a_changed_key_is_used_at_once(monkeypatch):
    with MisbehavingServer() as server:
        model = model_at(server)
        for key in ("one", "two"):
            monkeypatch.setenv("OPENAI_API_KEY", key)
            asked("sync", model)
        assert [r.headers["authorization"] for r in server.requests] == ["Bearer one", "Bearer two"]


def test_openai_itself_is_not_asked_without_a_key():
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        asked("sync", OpenAIChat("m"))


def test_the_packages_own_retries_are_off():
    with MisbehavingServer("500") as server:
        with pytest.raises(ModelError):
            model_at(server).answer([ASK], Call())
        assert len(server.requests) == 1


def test_is_a_value_that_settings_can_hold():
    model = OpenAIChat("m", "http://host/v1/", price=Price(1.0, 2.0), options='{"seed": 1}')
    assert pickle.loads(pickle.dumps(model)) == model
    assert model_from_dict(json.loads(json.dumps(model_to_dict(model)))) == model
    assert as_model(doors.ChatModel, "m") == OpenAIChat("m")


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "host"},
        {"options": "["},
        {"options": "[]"},
        {"concurrency": 0},
        {"price": 3},
        {"label_ids": 3},
        {"label_ids": ["yes"]},
        {"label_ids": [("yes", "9693")]},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(InputError):
        OpenAIChat("m", **settings)


@pytest.mark.parametrize("make", [OpenAIChat, OpenAIEmbedder])
def test_without_the_package(monkeypatch, make):
    found = importlib.util.find_spec
    monkeypatch.setattr("shortlist.errors.find_spec", lambda name: None if name == "openai" else found(name))
    with pytest.raises(MissingExtra, match=r"shortlist\[openai\]"):
        make("m")


@pytest.mark.parametrize("how", ["sync", "async"])
def test_vectors_come_in_order_and_in_chunks(how):
    texts = ["a" * (n + 1) for n in range(7)]
    with MisbehavingServer() as server:
        model = OpenAIEmbedder("m", f"{server.url}/v1", limit=3, query_prefix="query: ", price=Price(million_in=1.0))
        plan = model.embed(texts)
        (finished,) = drive([plan], Runtime()) if how == "sync" else asyncio.run(adrive([plan], Runtime()))
        assert finished.result.dtype == np.float32
        assert finished.result[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert sorted(len(r.body["input"]) for r in server.requests) == [1, 3, 3]
        assert finished.usage.tokens_in == 49
        assert finished.usage.money == pytest.approx(49e-6)
        (reply,) = model.answer([Text("tides", "query")], Call())
        assert isinstance(reply, Reply)
        assert server.requests[-1].body == {"model": "m", "input": ["query: tides"], "encoding_format": "float"}


@pytest.mark.parametrize(
    "rows", [[[1.0, 2.0], [1.0]], [["1", "2"], ["3", "4"]], [[], []], [[[1.0]], [[2.0]]], [[1e300], [1.0]], [1, 2]]
)
def test_what_is_no_vector(saying, rows):
    answer = {"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)]}
    with saying(answer) as server:
        (finished,) = drive([OpenAIEmbedder("m", f"{server.url}/v1").embed(["a", "b"])], Runtime())
        assert isinstance(finished.result, BadAnswer)


def test_an_embedder_with_no_room():
    with pytest.raises(InputError):
        OpenAIEmbedder("m", limit=0)
