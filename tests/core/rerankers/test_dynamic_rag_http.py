"""DynamicRAG end to end over HTTP: a scripted chat server on a real loopback socket, at 20, 40 and 300 candidates."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shortlist import ModelError, Retry, Runtime
from shortlist.models.openai import OpenAIChat
from shortlist.rerankers.dynamic_rag import DynamicRag
from shortlist.rerankers.llm import Llm
from shortlist.scorers.prompted import Prompted
from shortlist.testing import check_ranking

from .malformed_selections import BRACKETS, JSON, UNREAD
from .selecting import candidates, number, picked, slowly

pytest.importorskip("openai")

pytestmark = pytest.mark.usefixtures("loopback")
TOPIC = re.compile(r"^\d+\. Topic: .*\nContent: (.*)$", re.MULTILINE)
FENCED = re.compile(r'^<passage id="\d+">\n(.*)\n</passage>$', re.MULTILINE)
TABLES = {"dynamicrag-7b": BRACKETS, "shortlist-selection": JSON}
SIZES = (20, 40, 300)
ONCE = Runtime(retry=Retry(attempts=1))


class Scripted:
    """`with Scripted(say) as server`: answers with what `say` makes of the numbers in a prompt; keeps the bodies.

    `say` gives the text of the reply, a whole choice, or a status that is no success.
    """

    def __init__(self, say: Callable[[list[int]], str | dict[str, Any] | int]) -> None:
        self.bodies: list[dict[str, Any]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                script.bodies.append(body)
                said = say(shown(body))
                status, answer = (
                    (said, {"error": {"message": "[1], [2]"}}) if isinstance(said, int) else (200, reply(said))
                )
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def chat(self, **settings: Any) -> OpenAIChat:
        """A door to it."""
        return OpenAIChat("scripted", f"http://127.0.0.1:{self._server.server_address[1]}/v1", **settings)


def shown(body: dict[str, Any]) -> list[int]:
    """The numbers of the passages in a prompt, in order."""
    content = body["messages"][-1]["content"]
    return [number(text) for text in TOPIC.findall(content) or FENCED.findall(content)]


def reply(said: str | dict[str, Any]) -> dict[str, Any]:
    choice = said if isinstance(said, dict) else {"message": {"role": "assistant", "content": said}}
    whole = {"index": 0, "finish_reason": "stop", **choice}
    return {"choices": [whole], "usage": {"prompt_tokens": 100, "completion_tokens": 5}}


def kept(ranking):
    return [item.index for item in ranking.kept]


def meant(names, window):
    """What a reply that names these comes to in this window; None for what cannot be read."""
    if names is UNREAD or not names:
        return names if names is None else []
    found = [window[name - 1] for name in names if name <= len(window)]
    return found or None  # names that are all out of range are none at all


def check(ranking, n, told):
    expected, calls, rounds = slowly(n, 20, told)
    assert kept(ranking) == ([*range(n)] if expected is None else expected)
    assert ranking.unanswered == (expected is None)
    assert (ranking.usage.calls, len(ranking.rounds)) == (calls, rounds)
    check_ranking(ranking, candidates(n))


CASES = [(name, text) for name, table in TABLES.items() for text in table]


@pytest.mark.parametrize("n", [20, 40, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "text"), CASES, ids=lambda value: repr(value)[:40])
def test_every_malformed_reply(name, text, n):
    """To every prompt the same reply: read as the table says, in windows of every size."""
    with Scripted(lambda _: text) as server:
        ranking = DynamicRag(Prompted(server.chat(), name)).rank("why is it salty", candidates(n))
        if n == 20:
            names = TABLES[name][text]
            assert kept(ranking) == ([*range(20)] if names is None else [name - 1 for name in names])
        check(ranking, n, lambda window: meant(TABLES[name][text], window))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["rank", "arank", "rank_many"])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", TABLES)
def test_malformed_replies_among_others(name, n, how):
    """Every window gets another of the replies."""
    table = TABLES[name]

    def say(window):
        return picked(window, [*table])

    with Scripted(say) as server:
        reranker = DynamicRag(Prompted(server.chat(), name))
        if how == "rank":
            ranking = reranker.rank("q", candidates(n))
        elif how == "arank":
            ranking = asyncio.run(reranker.arank("q", candidates(n)))
        else:
            ranking = reranker.rank_many([("q", candidates(n))])[0]
        check(ranking, n, lambda window: meant(table[say(window)], window))


@pytest.mark.parametrize("n", SIZES)
def test_a_model_that_knows_is_believed(n):
    wanted = [i for i in range(n) if i % 45 == 7]

    def say(window):
        return ", ".join(f"[{window.index(i) + 1}]" for i in reversed(wanted) if i in window) or "None"

    with Scripted(say) as server:
        ranking = Llm(server.chat(), "dynamicrag").rank("q", candidates(n))
        assert kept(ranking) == wanted[::-1]
        assert len(server.bodies) == {20: 1, 40: 1, 300: 9}[n]
        assert (ranking.repairs, ranking.degraded) == ((), None)


def test_what_is_sent_is_the_prompt_of_the_checkpoint():
    with Scripted(lambda _: "None") as server:
        Llm(server.chat(), "dynamicrag").rank("why is it salty", candidates(2))
        Llm(server.chat(), "dynamicrag-inference").rank("why is it salty", candidates(2))
        Llm(server.chat(guided=True), "dynamicrag").rank("why is it salty", candidates(2))
        Llm(server.chat(), "shortlist-selection").rank("why is it salty", candidates(2))
        training, inference, guided, ours = server.bodies
    content = "Retrieved Content:\n" + "\n".join(f"{i + 1}. Topic: \nContent: passage {i} of the sea" for i in range(2))
    assert [turn["role"] for turn in training["messages"]] == ["system", "user"]
    assert training["messages"][1]["content"] == f"Query: why is it salty\n\n{content}"
    assert inference["messages"][1]["content"] == f"Query: why is it salty\n{content}"
    assert inference["messages"][0] == training["messages"][0]
    asked = {"temperature": 0.4, "max_tokens": 100, "logprobs": True}
    assert {key: training[key] for key in asked} == asked
    assert "top_logprobs" not in training
    assert re.fullmatch(guided["structured_outputs"]["regex"], "[2], [1]")
    assert "logprobs" not in ours
    schema = ours["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["selected"]["items"]["enum"] == ["1", "2"]


@pytest.mark.parametrize("n", SIZES)
def test_log_probabilities_are_those_of_the_last_list(n):
    rows = [
        {"token": token, "logprob": value} for token, value in (("[", -0.25), ("1", -1.0), ("]", -0.25), ("", -0.5))
    ]

    def say(_):
        return {"message": {"role": "assistant", "content": "[1]"}, "logprobs": {"content": rows}}

    with Scripted(say) as server:
        ranking = Llm(server.chat(), "dynamicrag-7b").rank("q", candidates(n))
    assert kept(ranking) == [0]
    assert ranking.kept[0].reasons == {"log-probability of the list": -2.0, "log-probability per token": -0.5}


UNTOLD = [None, {}, {"content": None}, {"content": []}, {"content": [{"token": "[1]"}]}, {"content": ["x"]}, [1]]
UNTOLD += [{"content": [{"token": "[1]", "logprob": value}]} for value in ("low", None, float("nan"), float("-inf"))]


@pytest.mark.parametrize("logprobs", UNTOLD)
def test_log_probabilities_that_are_not_told_cost_no_list(logprobs):
    choice = {"message": {"role": "assistant", "content": "[2], [1]"}, "logprobs": logprobs}
    with Scripted(lambda _: choice) as server:
        ranking = Llm(server.chat(), "dynamicrag").rank("q", candidates(20))
    assert kept(ranking) == [1, 0]
    assert ranking.kept[0].reasons == {}


def test_the_likeliest_of_several_draws():
    lists = iter([("[1]", -2.0), ("[3], [2]", -0.1), ("None", -1.0)])
    lock = threading.Lock()

    def say(_):
        with lock:
            text, value = next(lists)
        message = {"role": "assistant", "content": text}
        return {"message": message, "logprobs": {"content": [{"token": text, "logprob": value}]}}

    with Scripted(say) as server:
        reranker = DynamicRag(Prompted(server.chat(), "dynamicrag"), samples=3, choose="likelihood")
        ranking = reranker.rank("q", candidates(20))
        assert len(server.bodies) == 3
    assert kept(ranking) == [2, 1]


@pytest.mark.parametrize("status", [400, 500, 503])
@pytest.mark.parametrize("n", [40, 300])
def test_a_server_that_fails_in_one_window_loses_nothing(n, status):
    def say(window):
        return status if 25 in window and len(window) == 20 else "[1]"

    with Scripted(say) as server:
        ranking = Llm(server.chat(), "dynamicrag-7b").rank("q", candidates(n), runtime=ONCE)
    check(ranking, n, lambda window: None if isinstance(say(window), int) else window[:1])
    assert "missing judgements" in ranking.degraded


@pytest.mark.parametrize("n", SIZES)
def test_a_server_that_fails_everywhere_is_an_error_whose_text_is_no_answer(n):
    with Scripted(lambda _: 500) as server, pytest.raises(ModelError):
        Llm(server.chat(), "dynamicrag-7b").rank("q", candidates(n), runtime=ONCE)


REFUSALS = [
    {"message": {"role": "assistant", "content": None, "refusal": "[1], [2]"}},
    {"message": {"role": "assistant", "content": None}, "finish_reason": "content_filter"},
    {"message": {"role": "assistant", "content": 17}},
    {"message": None},
]


@pytest.mark.parametrize("choice", REFUSALS)
def test_a_refusal_is_an_error_and_no_empty_list(choice):
    with Scripted(lambda _: choice) as server, pytest.raises(ModelError):
        Llm(server.chat(), "dynamicrag").rank("q", candidates(20), runtime=ONCE)


def test_an_answer_that_was_cut_says_so():
    choice = {"message": {"role": "assistant", "content": "[3], [1], [1"}, "finish_reason": "length"}
    with Scripted(lambda _: choice) as server:
        ranking = Llm(server.chat(), "dynamicrag").rank("q", candidates(20))
        assert kept(ranking) == [2, 0]
        assert ranking.repairs == ("the answer was cut at max_tokens",)
    thinking = {"message": {"role": "assistant", "content": None, "reasoning": "[4]?"}, "finish_reason": "length"}
    with Scripted(lambda _: thinking) as server:
        ranking = Llm(server.chat(), "dynamicrag").rank("q", candidates(20))
        assert (len(ranking), ranking.unanswered) == (20, True)
