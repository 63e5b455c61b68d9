"""HTTP clients that outlive a call: one for the threads of a process, and one for each event loop.

A connection pool belongs to the event loop that opened it, and a socket to the process. Models are plain values that
may be used from several of either, so the clients are kept here and not on them.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from functools import cache
from ssl import SSLContext
from typing import Any, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary


class Closing(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Let go of its connections."""


C = TypeVar("C")
S = TypeVar("S", bound=Closing)
_Held = dict[Hashable, tuple[Any, AsyncGenerator[Any, None]]]

_lock = threading.Lock()
_clients: dict[tuple[int, Hashable], Closing] = {}
_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Held] = WeakKeyDictionary()


def thread_client(key: Hashable, make: Callable[[], S]) -> S:
    """The client that all threads of this process share under this key; a forked child makes its own."""
    with _lock:
        place = (os.getpid(), key)
        if place not in _clients:
            _clients[place] = make()
        return cast(S, _clients[place])


async def loop_client(key: Hashable, make: Callable[[], AbstractAsyncContextManager[C]]) -> C:
    """The client that the running event loop has under this key; closed when the loop shuts down.

    `asyncio.run`, and everything built like it, closes a loop's asynchronous generators before the loop: so one of
    those holds the client open. A loop that is closed without that leaves its sockets to the garbage collector.
    """
    held = _held(asyncio.get_running_loop())
    if key not in held:
        keeper = _keep(held, key, make)
        held[key] = (await anext(keeper), keeper)
    return cast(C, held[key][0])


@cache
def certificates() -> SSLContext:
    """What servers are trusted by, read once: it takes longer than most requests, and each loop would do it again."""
    import httpx

    return httpx.create_ssl_context()


def close_clients() -> None:
    """Close the clients that threads share; the next call opens another. Runs by itself when the program ends."""
    with _lock:
        mine = [place for place in _clients if place[0] == os.getpid()]
        closing = [_clients.pop(place) for place in mine]
    for client in closing:
        client.close()


def _held(loop: asyncio.AbstractEventLoop) -> _Held:
    # Open connections refer to their loop, so the weak key alone would keep a closed loop that was not shut down.
    with _lock:
        for closed in [each for each in _loops if each.is_closed()]:
            del _loops[closed]
        return _loops.setdefault(loop, {})


async def _keep(
    held: _Held, key: Hashable, make: Callable[[], AbstractAsyncContextManager[C]]
) -> AsyncGenerator[C, None]:
    try:
        async with make() as client:
            yield client
    finally:
        held.pop(key, None)


atexit.register(close_clients)
