"""Replies of the server's own, before and instead of the application's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias

from shortlist.serving.wire.errors import error_body

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# A client that still sends its body would see a broken connection, and not the reply, if it were closed at once.
_LINGER = 2.0
_LINGER_BYTES = 256_000_000


class Refusal(Exception):
    """A request that the application is not shown."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """What the client is told."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class ClientGone(Exception):
    """The client closed the connection before it had its reply."""


async def refuse(refusal: Refusal, request_id: str, receive: Receive, send: Send, *, unread: bool) -> None:
    """Send the reply. With some of the body unread the connection ends: nobody knows where the next request begins."""
    body = json.dumps(error_body(refusal.status, refusal.message, request_id)).encode()
    told = {"content-type": "application/json", "content-length": str(len(body)), **refusal.headers}
    if unread:
        told["connection"] = "close"
    headers = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": unread})
    if unread:
        await _linger(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _linger(receive: Receive) -> None:
    """Read on for a moment, and keep nothing."""
    left = _LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
