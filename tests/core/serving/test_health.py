"""Alive, ready, and what is missing."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import pytest
from tests.core.serving.live import ASK, PATIENCE, inside

from shortlist import CrossEncoder, Lexical, WeightsError
from shortlist.models.base import Pair, PairScorer
from shortlist.models.fakes import FailingScorer, OverlapScorer
from shortlist.plan import Call, Reply
from shortlist.rerankers.mmr import Mmr
from shortlist.serving import health
from shortlist.serving.app import create_app
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.settings import ServingSettings


@dataclass(frozen=True)
class Late(PairScorer):
    """Its weights are not there at first.

    Attributes:
        tries: how often it has been asked for them.
    """

    tries: list[int] = field(default_factory=list, compare=False)

    def warm_up(self) -> None:
        self.tries.append(1)
        if len(self.tries) < 3:
            raise WeightsError("not at /home/somebody/weights")

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        return OverlapScorer().answer(payloads, call)


async def test_a_pipeline_that_cannot_start_is_told_of_and_the_others_rank() -> None:
    async with inside({"good": Lexical(), "bad": CrossEncoder(FailingScorer())}) as (client, _):
        ready, alive = await client.get("/ready"), await client.get("/health")
        good = await client.post("/v1/rerank", json={**ASK, "model": "good"})
        bad = await client.post("/v1/rerank", json={**ASK, "model": "bad"})
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert ready.json()["missing"] == {"bad": "self-check failed: ModelError"}
    assert (alive.status_code, good.status_code, bad.status_code) == (200, 200, 503)


async def test_what_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_FIRST", 0.001)
    model = Late()
    async with inside({"late": CrossEncoder(model)}) as (client, _):
        async with asyncio.timeout(10):
            while (reply := await client.get("/ready")).status_code != 200:
                assert "/home" not in reply.text
                await asyncio.sleep(0.001)
    assert len(model.tries) == 3
    assert reply.json() == {"ready": True, "missing": {}}


@dataclass(frozen=True)
class Stuck(PairScorer):
    """Its weights never come, until it is let go.

    Attributes:
        gate: lets it go.
    """

    gate: threading.Event = field(default_factory=threading.Event, compare=False)

    def warm_up(self) -> None:
        self.gate.wait(PATIENCE)

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        return OverlapScorer().answer(payloads, call)


async def test_a_warm_up_that_hangs_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_FIRST", 0.001)
    stuck, late = Stuck(), Late()
    served = {"stuck": CrossEncoder(stuck), "good": Lexical(), "late": CrossEncoder(late)}
    app = create_app(Pipelines(served), ServingSettings(playground=False, cache=None))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        try:
            async with asyncio.timeout(PATIENCE / 4):
                while (await client.get("/ready")).json()["missing"] != {"stuck": "warming up"}:
                    await asyncio.sleep(0.001)
            for model, status in (("good", 200), ("late", 200), ("stuck", 503)):
                assert (await client.post("/v1/rerank", json={**ASK, "model": model})).status_code == status
        finally:
            stuck.gate.set()
    assert len(late.tries) == 3


async def test_what_wants_more_than_texts_is_ready_too() -> None:
    async with inside({"varied": Mmr()}) as (client, _):
        assert (await client.get("/ready")).status_code == 200


async def test_a_server_that_ends_while_it_warms_up_ends() -> None:
    async with asyncio.timeout(10):
        async with inside({"bad": CrossEncoder(FailingScorer())}) as (client, _):
            assert (await client.get("/ready")).status_code == 503
