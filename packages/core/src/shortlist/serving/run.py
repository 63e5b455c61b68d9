"""The server around the app, from its port to its end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from fastapi import FastAPI

from shortlist.errors import InputError
from shortlist.serving.protocol import server
from shortlist.serving.settings import ServingSettings

_BACKLOG = 1024


def listening(settings: ServingSettings) -> socket.socket:
    """A socket at the address of the settings, on which connections wait from now on.

    Raises:
        InputError: the address is not this machine's, or somebody else listens there.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, address = found[0][0], found[0][4]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot listen at {settings.host}, port {settings.port}: {reason}") from error


def address_of(bound: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(app: FastAPI, settings: ServingSettings, bound: socket.socket) -> None:
    """Serve the app at the socket until a signal, and let what is under way end."""
    with _ended_by_signals():
        server(app, settings, app.state.admission).run(sockets=[bound])


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Take the signal that uvicorn raises once more when it has drained: being told to stop is no failure."""
    before = {each: signal.signal(each, _leave) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except _Left:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Left(BaseException):
    """A signal came outside of uvicorn's own time."""


def _leave(*_: Any) -> NoReturn:
    raise _Left
