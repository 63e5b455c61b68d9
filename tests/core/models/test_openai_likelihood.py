"""Likelihoods from a server that echoes the prompt."""

import asyncio
import json
import pickle

import pytest

from shortlist import BadAnswer, Call, InputError, Message, ModelError, Runtime
from shortlist.models.base import Continuation, Likelihood
from shortlist.models.named import model_from_dict, model_to_dict
from shortlist.models.openai_likelihood import OpenAILikelihood
from shortlist.models.remote import Price
from shortlist.plan import ask
from shortlist.runtime.loop import adrive
from shortlist.runtime.threads import drive

from .misbehaving import MODES, MisbehavingServer, sending

pytestmark = pytest.mark.usefixtures("loopback")
ASK = Continuation((Message("text", "Passage: the moon\nQuestion:"),), " what pulls the tides")


@pytest.fixture
def echoing(monkeypatch):
    """A server that echoes these tokens, each with the log-probability of minus its place."""

    def serve(*tokens, chosen=None, **usage):
        chosen = chosen or [None, *(-float(i) for i in range(1, len(tokens)))]
        choice = {"text": "".join(tokens), "logprobs": {"tokens": tokens, "token_logprobs": chosen}}
        answer = {"choices": [choice], "usage": usage}
        monkeypatch.setitem(MODES, "as told", sending(lambda request, fine: answer))
        return MisbehavingServer("as told")

    return serve


def model_at(server, **settings):
    return OpenAILikelihood("a-model", f"{server.url}/v1", **settings)


def answered(server, payload=ASK, **settings):
    return model_at(server, **settings).answer([payload], Call())[0]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_is_asked_and_what_comes_back(how):
    with MisbehavingServer() as server:
        plan = ask(model_at(server, price=Price(million_in=2.0, million_out=10.0)), [ASK])
        (finished,) = drive([plan], Runtime()) if how == "sync" else asyncio.run(adrive([plan], Runtime()))
        assert finished.result == [Likelihood(-2.0, 4)]
        assert (finished.usage.tokens_in, finished.usage.tokens_out) == (9, 1)
        assert finished.usage.money == pytest.approx((9 * 2.0 + 10.0) / 1e6)
        (request,) = server.requests
        assert request.path == "/v1/completions"
        assert request.body == {
            "model": "a-model",
            "prompt": "Passage: the moon\nQuestion: what pulls the tides",
            "max_tokens": 1,
            "temperature": 0.0,
            "echo": True,
            "logprobs": 1,
        }


TOKENS = ("<s>", "the", " moon", " what", " pulls", "!")


@pytest.mark.parametrize(
    ("tokens", "prompt", "target", "expected"),
    [
        (TOKENS, "the moon", " what pulls", (-7.0, 2)),
        (("the", " moon", " what", " pulls", "!"), "the moon", " what pulls", (-5.0, 2)),
        (("<s>", "the", "moon", "what", "pulls", "!"), "the moon", " what pulls", (-7.0, 2)),
        (("<s>", "▁the", "▁moon", "▁what", "▁pulls", "!"), "the moon", " what pulls", (-7.0, 2)),
        (("the", " \ufffd", "\ufffd", " what", "!"), "the 🌝", " what", (-3.0, 1)),
        (("<s>", "moon", " \ufffd", "\ufffd", "\ufffd", "!"), "moon", " 🌊", (-9.0, 3)),
        (("what", " what", " what", " what"), "what what", " what", (-2.0, 1)),
        (("a", "b what", "!"), "ab", " what", (-1.0, 1)),  # the token that holds the border counts as the target's
    ],
)
def test_where_the_target_begins(echoing, tokens, prompt, target, expected):
    with echoing(*tokens, prompt_tokens=len(tokens) - 1, completion_tokens=1) as server:
        assert answered(server, Continuation((Message("text", prompt),), target)).value == Likelihood(*expected)


def test_what_the_server_wrote_is_no_part_of_it(echoing):
    payload = Continuation((Message("text", "the moon"),), " what pulls")
    with echoing(*TOKENS) as server:
        assert answered(server, payload).value == Likelihood(-7.0, 2)
    with echoing(*TOKENS[:-1], prompt_tokens=5, completion_tokens=0) as server:
        reply = answered(server, payload, options='{"max_tokens": 0}')
        assert reply.value == Likelihood(-7.0, 2)
        assert server.requests[0].body["max_tokens"] == 0


def test_a_prompt_that_is_not_echoed_is_no_answer(echoing, monkeypatch):
    with echoing(" and", " so", completion_tokens=1) as server, pytest.raises(BadAnswer, match="not those"):
        answered(server)
    for choice in ({"text": "x"}, {"text": "x", "logprobs": {"tokens": ["x"], "token_logprobs": []}}):
        answer = {"choices": [choice]}
        monkeypatch.setitem(MODES, "as told", sending(lambda request, fine, answer=answer: answer))
        with MisbehavingServer("as told") as server, pytest.raises(BadAnswer, match="echo"):
            answered(server)


def test_a_first_token_has_no_probability(echoing):
    with echoing("what", "!") as server, pytest.raises(BadAnswer, match="not a finite"):
        answered(server, Continuation((Message("text", ""),), "what"))


@pytest.mark.parametrize(
    "payload",
    [
        Continuation((Message("user", "a"),), "b"),
        Continuation((Message("text", "a"), Message("user", "b")), "c"),
        Continuation((), "c"),
        Continuation((Message("text", "a"),), ""),
    ],
)
def test_only_a_raw_text_and_something_after_it(payload):
    with MisbehavingServer() as server:
        with pytest.raises(InputError):
            answered(server, payload)
        assert not server.requests


def test_a_server_that_refuses_to_echo():
    with MisbehavingServer("400") as server, pytest.raises(ModelError, match="HTTP 400"):
        answered(server)


def test_is_a_value_that_settings_can_hold():
    model = OpenAILikelihood("m", "http://host/v1/", price=Price(1.0, 2.0))
    assert pickle.loads(pickle.dumps(model)) == model
    assert model_from_dict(json.loads(json.dumps(model_to_dict(model)))) == model
    assert model.fingerprint != OpenAILikelihood("n", "http://host/v1").fingerprint
    assert (model.label, model.priced) == ("m", True)
    for settings in ({"base_url": "host"}, {"options": "["}, {"concurrency": 0}):
        with pytest.raises(InputError):
            OpenAILikelihood(**{"name": "m", "base_url": "http://host", **settings})
