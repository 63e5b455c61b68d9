"""Request bodies, read to their end before the application is called; and what ends when a client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shortlist.serving.refusals import App, ClientGone, Message, Receive, Refusal, Scope, Send
from shortlist.serving.settings import ServingSettings

_AT_ONCE = 16  # bodies of the largest size that may be held at the same time


class Bodies:
    """Reads bodies, and knows how much of them is held."""

    def __init__(self, settings: ServingSettings) -> None:
        """Nothing is held."""
        self._most = settings.max_bytes
        self._seconds = settings.body_seconds
        self._room = _AT_ONCE * settings.max_bytes

    @asynccontextmanager
    async def read(self, declared: int | None, receive: Receive) -> AsyncIterator[bytes]:
        """The whole body, held until the end of the block.

        Args:
            declared: how long the client says that it is.
            receive: brings it.

        Raises:
            Refusal: it is too long (413), took too long (408), or too much is held at the moment (503).
            ClientGone: the client did not send all of it.
        """
        self._check(declared or 0)
        held = bytearray()
        try:
            await self._into(held, receive)
            yield bytes(held)
        finally:
            self._room += len(held)

    async def _into(self, held: bytearray, receive: Receive) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                while await self._chunk(held, receive):
                    pass
        except TimeoutError as late:
            raise Refusal(408, f"the body did not come within {self._seconds:g} seconds") from late

    async def _chunk(self, held: bytearray, receive: Receive) -> bool:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        self._check(len(held) + len(chunk))
        if len(chunk) > self._room:
            raise Refusal(503, "too much is being sent at the moment", {"retry-after": "1"})
        held += chunk
        self._room -= len(chunk)
        return bool(message.get("more_body", False))

    def _check(self, size: int) -> None:
        if size > self._most:
            raise Refusal(413, f"the body is larger than {self._most} bytes")


async def while_connected(
    app: App, scope: Scope, body: bytes, receive: Receive, send: Send, over: Callable[[], bool]
) -> None:
    """Call the application with the body, and cancel it when the client leaves.

    Args:
        app: to call.
        scope: of the request.
        body: whole.
        receive: says when the client has left, which is no news once the reply is out.
        send: takes the reply.
        over: whether the reply is out.

    Raises:
        ClientGone: the client left.
    """
    replay = _Replay(body)
    work = asyncio.ensure_future(app(scope, replay.receive, send))
    watch = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            replay.gone.set()
            if not over():
                await _given_up(work)
        await work
    finally:
        watch.cancel()
        work.cancel()


async def _given_up(work: asyncio.Future[None]) -> None:
    work.cancel()
    await asyncio.wait({work})
    raise ClientGone


class _Replay:
    """What the application receives: the body at once, and then nothing until the client is gone."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}
