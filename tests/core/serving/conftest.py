"""Servers for tests: a real one on a loopback port, and the application alone."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import load
from shortlist.serving.app import create_app
from shortlist.serving.pipelines import Pipelines
from shortlist.serving.protocol import server
from shortlist.serving.run import address_of, listening
from shortlist.serving.settings import ServingSettings

Serve = Callable[..., str]
AppClient = Callable[..., Any]


@contextmanager
def running(pipelines: Pipelines, settings: ServingSettings) -> Iterator[str]:
    """A real uvicorn in a thread, ready; its address."""
    app = create_app(pipelines, settings)
    with listening(settings) as bound:
        running_server = server(app, settings, app.state.admission)
        thread = threading.Thread(target=running_server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            _wait_until_ready(address_of(bound))
            yield address_of(bound)
        finally:
            running_server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def _wait_until_ready(url: str) -> None:
    last = None
    for _ in range(600):
        try:
            last = httpx.get(f"{url}/ready", trust_env=False)
            if last.status_code == 200:
                return
        except httpx.TransportError as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"the server did not get ready: {getattr(last, 'text', last)}")


def offered(given: Mapping[str, Reranker | str]) -> Pipelines:
    """Pipelines of rerankers and expressions."""
    return Pipelines({name: load(each) for name, each in given.items()})


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Starts servers that live as long as the module's tests: `serve({name: reranker}, **settings)` is an address."""
    with ExitStack() as stack:

        def start(given: Mapping[str, Reranker | str], **settings: Any) -> str:
            chosen = ServingSettings(**{"port": 0, "playground": False, "drain": 2.0, **settings})
            return stack.enter_context(running(offered(given), chosen))

        yield start


@asynccontextmanager
async def application(
    given: Mapping[str, Reranker | str], *, ready: bool = True, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, with no socket between them."""
    app = create_app(offered(given), ServingSettings(**{"playground": False, "drain": 2.0, **settings}))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shortlist.test") as client,
    ):
        while ready and (await client.get("/ready")).status_code != 200:
            await _tick()
        yield client


async def _tick() -> None:
    import asyncio

    await asyncio.sleep(0.01)


@pytest.fixture
def app_client() -> AppClient:
    """Makes `async with app_client({name: reranker}, **settings) as client:`."""
    return application
