"""A real server in a thread, and clients that speak over a bare socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import IO, Any

import httpx
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from shortlist import Lexical, ModelError, Reranker
from shortlist.models.base import Pair, PairScorer
from shortlist.models.fakes import OverlapScorer
from shortlist.plan import Call, Reply
from shortlist.serving.admission import Admission
from shortlist.serving.app import create_app
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.protocol import Server, server
from shortlist.serving.run import listening
from shortlist.serving.settings import ServingSettings

ASK = {"query": "tides of the sea", "documents": ["the moon pulls the sea", "bread"]}
PATIENCE = 60.0  # seconds after which a test that waits has failed

DEATHS = {"die": MemoryError, "exit": SystemExit, "stop": StopIteration, "break": KeyboardInterrupt}


@dataclass(frozen=True)
class Moody(PairScorer):
    """A local model that does what the query says, and is well otherwise: "fail", "hang", "slow 0.2", or a death."""

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        for pair in payloads:
            word, _, seconds = pair.query.partition(" ")
            if word == "fail":
                raise ModelError(f"no answer to {pair.query} and {pair.text}")
            if word in DEATHS:
                raise DEATHS[word](pair.text)
            if word == "hang":
                time.sleep(3.0)
            if word == "slow":
                call.cancelled.wait(float(seconds))
        return OverlapScorer().answer(payloads, call)


@dataclass
class Live:
    """A server that runs.

    Attributes:
        port: where.
        admission: its queue.
        uvicorn: the server itself.
    """

    port: int
    admission: Admission
    uvicorn: Server

    def client(self, **given: Any) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE, trust_env=False, **given)

    def connect(self, seconds: float = PATIENCE) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def alive(self) -> bool:
        with self.client() as client:
            return client.get("/health").status_code == 200

    def ranks(self) -> bool:
        with self.client() as client:
            return client.post("/v1/rerank", json=ASK).status_code == 200


@contextmanager
def live(rerankers: dict[str, Reranker], http: Any = H11Protocol, **given: Any) -> Iterator[Live]:
    """A server of these pipelines, ready."""
    settings = ServingSettings(**{"port": 0, "playground": False, "cache": None, **given})
    app = create_app(Pipelines(rerankers), settings)
    with listening(settings) as bound:
        made = server(app, settings, app.state.admission, http=http)
        thread = threading.Thread(target=made.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        running = Live(bound.getsockname()[1], app.state.admission, made)
        until(lambda: made.started)
        with running.client() as client:
            until(lambda: "warming up" not in client.get("/ready").text)
        try:
            yield running
        finally:
            made.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@asynccontextmanager
async def inside(
    rerankers: dict[str, Reranker] | None = None, **given: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    """A client of an application in this very process, once it is ready; no socket."""
    app = create_app(
        Pipelines(rerankers or {"lexical": Lexical()}), ServingSettings(playground=False, cache=None, **given)
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        async with asyncio.timeout(PATIENCE):
            while "warming up" in (await client.get("/ready")).text:
                await asyncio.sleep(0.001)
        yield client, app


def until(true: Any, seconds: float = PATIENCE) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def said(connection: socket.socket) -> bytes:
    """All that the server says until it closes the connection, or breaks it."""
    told = b""
    try:
        while more := connection.recv(65_536):
            told += more
    except (ConnectionError, TimeoutError):
        pass
    return told


def status(told: bytes) -> int:
    """Of the first reply; 0 where there is none."""
    return int(told.split(b" ", 2)[1]) if told.startswith(b"HTTP/1.1 ") else 0


def request(body: bytes, *headers: str, line: str = "POST /v1/rerank HTTP/1.1") -> bytes:
    """A request whose connection ends with it."""
    told = [line, "Host: localhost", "Content-Type: application/json", "Connection: close", *headers]
    return "\r\n".join(told).encode("latin-1") + b"\r\n\r\n" + body


def asking(**more: Any) -> bytes:
    return json.dumps({**ASK, **more}).encode()


@contextmanager
def process(pipelines: Sequence[str], *options: str, code: str = "") -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`shortlist serve` in a process of its own, ready, and its port. `code` runs in it first."""
    command = f"{code}\nfrom shortlist.cli import main\nmain()"
    arguments = ["serve", *pipelines, "--port", "0", "--no-playground", "--cache", "none", *options]
    with tempfile.TemporaryFile("w+") as log:
        running = subprocess.Popen([sys.executable, "-c", command, *arguments], stderr=log, env={**os.environ})
        try:
            until(lambda: "127.0.0.1:" in _read(log) or running.poll() is not None)
            told = _read(log)
            assert "127.0.0.1:" in told, told
            port = int(told.partition("127.0.0.1:")[2].split()[0])
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE) as client:
                until(lambda: client.get("/ready").status_code == 200)
            yield running, port
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
            running.wait(PATIENCE)


def _read(log: IO[str]) -> str:
    """All that the process has written so far; its own place in the file is not touched."""
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), size, 0).decode("utf-8", "replace")
