"""One line a request, with no text in it."""

import itertools
import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.core.serving.live import Moody, inside

from shortlist import CrossEncoder, Fallback, Lexical
from shortlist.models.fakes import FailingScorer, OverlapScorer
from shortlist.serving.logs import JsonLines

SECRET = {"query": "where is the zanzibar treasure", "documents": ["under the quixotic tree", "in the fjord"]}
WORDS = ("zanzibar", "quixotic", "fjord")
SERVED = {
    "words": CrossEncoder(OverlapScorer()),
    "mended": Fallback(CrossEncoder(FailingScorer()), Lexical()),
    "broken": CrossEncoder(Moody()),
}


def lines(caplog: pytest.LogCaptureFixture, *, texts: bool = False) -> list[dict[str, Any]]:
    ours = [record for record in caplog.records if record.name.startswith("shortlist")]
    return [json.loads(JsonLines(texts=texts).format(record)) for record in ours]


async def test_what_a_line_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with inside(SERVED) as (client, _):
        caplog.clear()
        await client.post("/v1/rerank", json={**SECRET, "top_n": 1}, headers={"x-request-id": "mine"})
    (line,) = lines(caplog)
    assert line.pop("milliseconds") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line.pop("tokens_in") > 0
    assert line == {
        "level": "info", "logger": "shortlist.serving", "event": "request", "request_id": "mine",
        "route": "/v1/rerank", "pipeline": "words", "status": 200, "passages": 2, "kept": 1, "calls": 2, "hits": 0,
        "tokens_out": 0, "degraded": False, "repairs": 0,
    }  # fmt: skip


async def test_no_line_has_a_text_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with inside(SERVED) as (client, _):
        caplog.clear()
        for model, query in itertools.product((*SERVED, "zanzibar"), ("zanzibar", "fail zanzibar", "die zanzibar")):
            await client.post("/v1/rerank", json={**SECRET, "query": query, "model": model})
        await client.post(
            "/v1/rerank", json={**SECRET, "query": ["zanzibar"], "top_n": "fjord", "settings": {"fjord": 1}}
        )
        await client.post("/v1/rerank", json={**SECRET, "settings": {"fjord": "zanzibar"}})
        await client.post("/v1/rerank", content=b'{"query": "zanzibar', headers={"content-type": "application/json"})
        await client.post("/quixotic?zanzibar=fjord", json=SECRET, headers={"x-zanzibar": "fjord"})
        await client.get("/fjord")
    told = lines(caplog)
    assert len([line for line in told if line["event"] == "request"]) == 17
    assert not [line for line in told for word in WORDS if word in json.dumps(line)]


async def test_texts_stand_there_where_they_may(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with inside(SERVED, log_texts=True) as (client, _):
        caplog.clear()
        await client.post("/v1/rerank", json=SECRET)
    (line,) = lines(caplog, texts=True)
    assert (line["query"], line["texts"]) == (SECRET["query"], SECRET["documents"])


async def test_a_line_says_what_kind_of_thing_went_wrong(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with inside(SERVED) as (client, _):
        caplog.clear()
        await client.post("/v1/rerank", json={**SECRET, "query": "fail zanzibar", "model": "broken"})
    (line,) = lines(caplog)
    assert (line["status"], line["error"], line["pipeline"]) == (502, "ModelError", "broken")


async def test_probes_that_are_well_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with inside() as (client, app):
        caplog.clear()
        for path in ("/health", "/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200
        assert lines(caplog) == []
        app.state.admission.begin_drain()
        await client.get("/ready")
    assert [line["status"] for line in lines(caplog)] == [503]


def _record(name: str, message: str, *given: object, error: Exception | None = None) -> logging.LogRecord:
    found = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, given, found)


def test_what_a_message_is_filled_in_with_may_be_a_text() -> None:
    record = _record("shortlist", "degraded ranking: %s", "no answer to zanzibar")
    assert json.loads(JsonLines(texts=False).format(record))["event"] == "degraded ranking: %s"
    assert json.loads(JsonLines(texts=True).format(record))["event"].endswith("zanzibar")
    uvicorn = _record("uvicorn.error", "Started server process [%d]", 7)
    assert json.loads(JsonLines(texts=False).format(uvicorn))["event"] == "Started server process [7]"


def test_of_an_error_the_kind_and_the_place_are_told() -> None:
    try:
        raise ValueError("zanzibar")
    except ValueError as error:
        told = json.loads(JsonLines(texts=False).format(_record("uvicorn.error", "Exception in ASGI", error=error)))
    assert told["error"] == "ValueError"
    assert "test_logs.py" in told["at"][0]
    assert "zanzibar" not in json.dumps(told)


def test_a_line_is_a_line() -> None:
    record = _record("uvicorn.error", "one\ntwo\u2028three")
    assert JsonLines(texts=False).format(record).splitlines() == [JsonLines(texts=False).format(record)]


@pytest.mark.slow
def test_only_the_command_line_sets_logging_up() -> None:
    code = """
import logging
import shortlist.serving.app, shortlist.serving.protocol
assert not logging.root.handlers and not logging.getLogger("shortlist").handlers
from shortlist.serving.logs import configure
from shortlist.serving.settings import ServingSettings
configure(ServingSettings())
logging.getLogger("shortlist.serving").info("here", extra={"fields": {"a": 1}})
logging.basicConfig(handlers=[logging.StreamHandler()])  # as other packages do
try:
    raise KeyError("zanzibar")
except KeyError:
    logging.getLogger("mcp.server").exception("tool %s failed", "zanzibar")
import os
assert os.environ["OPENINFERENCE_HIDE_INPUTS"] == os.environ["OPENINFERENCE_HIDE_OUTPUTS"] == "true"
"""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENINFERENCE")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env, timeout=60)
    ours, theirs = map(json.loads, run.stderr.splitlines())
    assert ours["a"] == 1
    assert (theirs["event"], theirs["error"], theirs["logger"]) == ("tool %s failed", "KeyError", "mcp.server")
    assert "zanzibar" not in run.stderr
    assert run.stdout == ""


async def test_spans_take_over_the_callers_trace_and_tell_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "true")
    monkeypatch.setenv("OPENINFERENCE_HIDE_OUTPUTS", "true")
    above = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with inside(SERVED) as (client, _):
        exporter.clear()
        await client.post("/v1/rerank", json=SECRET, headers={"traceparent": above})
        await client.post(
            "/v1/rerank",
            json={**SECRET, "query": "fail zanzibar", "model": "broken"},
            headers={"traceparent": "nonsense"},
        )
    spans = exporter.get_finished_spans()
    inner, server = spans[0], spans[1]
    assert server.name == "POST /v1/rerank"
    assert server.kind == trace.SpanKind.SERVER
    assert format(server.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert format(server.parent.span_id, "016x") == "b7ad6b7169203331"
    assert inner.parent.span_id == server.context.span_id
    assert server.attributes["http.response.status_code"] == 200
    failed = spans[3]
    assert failed.status.status_code == trace.StatusCode.ERROR
    assert failed.attributes["error.type"] == "ModelError"
    assert failed.context.trace_id != server.context.trace_id
    assert not [word for span in spans for word in WORDS if word in span.to_json()]
