"""Alive, ready, and what is missing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.core.serving.live import ASK, inside

from shortlist import CrossEncoder, Lexical, WeightsError
from shortlist.models.base import Pair, PairScorer
from shortlist.models.fakes import FailingScorer, OverlapScorer
from shortlist.plan import Call, Reply
from shortlist.rerankers.mmr import Mmr
from shortlist.serving import health


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


async def test_what_wants_more_than_texts_is_ready_too() -> None:
    async with inside({"varied": Mmr()}) as (client, _):
        assert (await client.get("/ready")).status_code == 200


async def test_a_server_that_ends_while_it_warms_up_ends() -> None:
    async with asyncio.timeout(10):
        async with inside({"bad": CrossEncoder(FailingScorer())}) as (client, _):
            assert (await client.get("/ready")).status_code == 503
