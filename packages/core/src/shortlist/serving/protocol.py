"""uvicorn with what it has no setting for: bounds on a request's head, and a drain before the door closes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from shortlist.serving.admission import Admission
from shortlist.serving.settings import ServingSettings

_REFUSED = b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_FLUSH = 2.0  # seconds for the last words to go out
_LAST_WORDS = 5  # seconds that replies have after the drain
_CONNECTIONS = 4096
_HEAD_BYTES = 65_536

_Protocol = Callable[..., Any]


class Patient(asyncio.Protocol):
    """A connection whose client has so long to send a request's head, and so long to read a reply.

    uvicorn bounds the time between two requests only: a head that trickles, or a reply that nobody reads, would hold
    its place for ever.
    """

    def __init__(self, inner: Any, seconds: float) -> None:
        """Stand before uvicorn's own protocol."""
        self._inner = inner
        self._seconds = seconds
        self._bytes = 0
        self._head = _Timer()
        self._reader = _Timer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)  # so that pause_writing says that the client does not read
        self._inner.connection_made(transport)
        self._watch(0)

    def data_received(self, data: bytes) -> None:
        """Some of a head, or of a body."""
        self._inner.data_received(data)
        self._watch(len(data))

    def eof_received(self) -> bool | None:
        """The client has said all."""
        ended: bool | None = self._inner.eof_received()
        return ended

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._head.stop()
        self._reader.stop()
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is told."""
        self._inner.pause_writing()
        self._reader.start(self._seconds, self._abort)

    def resume_writing(self) -> None:
        """It has read all."""
        self._reader.stop()
        self._inner.resume_writing()

    def _watch(self, size: int) -> None:
        cycle = self._inner.cycle
        if cycle is not None and not cycle.response_complete:
            self._head.stop()
            self._bytes = 0
            return
        self._head.start(self._seconds, partial(self._refuse, b"408 Request Timeout"))
        self._bytes += size
        if self._bytes > _HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def _refuse(self, status: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_REFUSED % status)
            self._transport.close()
            asyncio.get_running_loop().call_later(_FLUSH, self._abort)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class _Timer:
    """Rings once, unless it is stopped before."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, action: Callable[[], None]) -> None:
        """If it does not run already."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(seconds, action)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class Server(uvicorn.Server):
    """Told to stop, it first drains: the door stays open, what is new has its 503, what is under way its answer."""

    def __init__(self, config: uvicorn.Config, admission: Admission, drain: float) -> None:
        """`drain` is in seconds."""
        super().__init__(config)
        self._admission = admission
        self._drain = drain
        self._until: float | None = None

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Turn away what is new from this moment."""
        self._admission.begin_drain()
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to close the door."""
        return await super().on_tick(counter) and (self.force_exit or self._drained())

    def _drained(self) -> bool:
        self._until = self._until or time.monotonic() + self._drain
        if self._admission.under_way and time.monotonic() < self._until:
            return False
        self._admission.give_up()
        return True


def server(app: Any, settings: ServingSettings, admission: Admission, http: _Protocol = AutoHTTPProtocol) -> Server:
    """A server of this application, to `run()`.

    Args:
        app: the application.
        settings: where it listens, and how long it waits.
        admission: drained before the server ends.
        http: uvicorn's protocol; by default httptools where it is installed, or else h11.
    """

    def protocol(**given: Any) -> Patient:
        return Patient(http(**given), settings.body_seconds)

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=protocol,  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_graceful_shutdown=_LAST_WORDS,
    )
    return Server(config, admission, settings.drain)
