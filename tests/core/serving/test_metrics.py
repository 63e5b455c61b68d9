"""What is counted, and that no client can make a label."""

import re

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from tests.core.serving.live import ASK, Moody, inside

from shortlist import CrossEncoder, Fallback, Lexical
from shortlist.models.fakes import FailingScorer, OverlapScorer

SERVED = {
    "words": CrossEncoder(OverlapScorer()),
    "mended": Fallback(CrossEncoder(FailingScorer()), Lexical()),
    "broken": CrossEncoder(Moody()),
}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((f"shortlist_{name}", frozenset(labels.items())))


async def test_what_rankings_come_to() -> None:
    async with inside(SERVED) as (client, _):
        for _ in range(2):
            assert (await client.post("/v1/rerank", json={**ASK, "model": "words", "top_n": 1})).status_code == 200
        assert (await client.post("/v1/rerank", json={**ASK, "model": "mended"})).status_code == 200
        assert (await client.post("/v1/rerank", json={**ASK, "query": "fail", "model": "broken"})).status_code == 502
        text = (await client.get("/metrics")).text
    assert value(text, "requests_total", route="/v1/rerank", pipeline="words", status="200") == 2
    assert value(text, "requests_total", route="/v1/rerank", pipeline="broken", status="502") == 1
    assert value(text, "request_seconds_count", route="/v1/rerank", pipeline="words") == 2
    assert value(text, "rankings_total", pipeline="words") == 2
    assert value(text, "rankings_total", pipeline="broken") is None
    assert value(text, "passages_in_total", pipeline="words") == 4
    assert value(text, "passages_kept_total", pipeline="words") == 2
    assert value(text, "model_calls_total", pipeline="words") == 4
    assert (value(text, "tokens_in_total", pipeline="words") or 0) > 0
    assert value(text, "batches_total", pipeline="words") == 2
    assert value(text, "degraded_total", pipeline="mended") == 1
    assert value(text, "degraded_total", pipeline="words") == 0
    assert value(text, "in_flight") == 1  # the one that asks
    assert value(text, "queue") == 0


async def test_what_is_turned_away() -> None:
    async with inside(SERVED) as (client, app):
        app.state.admission.begin_drain()
        assert (await client.post("/v1/rerank", json=ASK)).status_code == 503
        text = (await client.get("/metrics")).text
    assert value(text, "requests_total", route="other", pipeline="", status="503") == 1


async def test_a_client_cannot_make_a_label() -> None:
    async with inside(SERVED) as (client, _):
        for i in range(30):
            await client.post("/v1/rerank", json={**ASK, "model": f"secret{i}"})
            await client.get(f"/secret{i}?secret{i}=secret", headers={"x-request-id": f"secret{i}"})
            await client.request(f"SECRET{i}", "/secret")
        text = (await client.get("/metrics")).text
    assert "secret" not in text.lower()
    assert len(re.findall("^shortlist_requests_total", text, flags=re.MULTILINE)) < 10


async def test_servers_count_apart_and_nowhere_else() -> None:
    before = {metric.name for metric in REGISTRY.collect()}
    async with inside(SERVED) as (one, _), inside(SERVED) as (two, _):
        await one.post("/v1/rerank", json=ASK)
        told = [(await each.get("/metrics")).text for each in (one, two)]
    assert [value(text, "rankings_total", pipeline="words") for text in told] == [1, None]
    assert {metric.name for metric in REGISTRY.collect()} == before


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank", "/voyage/v1/rerank"])
async def test_every_shape_has_its_route(path: str) -> None:
    async with inside(SERVED) as (client, _):
        asked = {"query": "a", "texts": ["b"]} if path == "/rerank" else {**ASK, "model": "words"}
        assert (await client.post(path, json=asked)).status_code == 200
        text = (await client.get("/metrics")).text
    assert value(text, "requests_total", route=path, pipeline="words", status="200") == 1
