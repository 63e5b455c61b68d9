"""Exceptions of other people's clients: which may pass, and how long the server asks to wait."""

import asyncio

import httpx
import pytest

from shortlist import (
    BadAnswer,
    CrossEncoder,
    FunctionScorer,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    Retry,
    Runtime,
)
from shortlist.runtime.foreign import as_ours


class StatusError(Exception):
    def __init__(self, status, headers=None):
        super().__init__(f"status {status}")
        self.response = httpx.Response(status, headers=headers)


class CodeError(Exception):
    status_code = 503


class APIConnectionError(Exception):
    pass


class ReadTimeout(APIConnectionError):
    pass


class RateLimitError(Exception):
    pass


def caused_by(cause):
    error = RuntimeError("request failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StatusError(429), ModelUnavailable),
        (StatusError(503), ModelUnavailable),
        (StatusError(401), ModelError),
        (CodeError(), ModelUnavailable),
        (ConnectionResetError("reset"), ModelUnavailable),
        (APIConnectionError("gone"), ModelUnavailable),
        (RateLimitError("slow down"), ModelUnavailable),
        (ReadTimeout("late"), ModelTimeout),
        (TimeoutError(), ModelTimeout),
        (httpx.ConnectError("no route"), ModelUnavailable),
        (httpx.ReadTimeout("late"), ModelTimeout),
        (caused_by(ConnectionError("refused")), ModelUnavailable),
        (ValueError("no"), ModelError),
        (NotImplementedError("no"), ModelError),
        (ExceptionGroup("several", [ExceptionGroup("inner", [StatusError(500)]), ValueError()]), ModelUnavailable),
    ],
    ids=repr,
)
def test_kinds(error, kind):
    ours = as_ours(error, "the model")
    assert type(ours) is kind
    assert str(ours).startswith("the model failed: ")
    assert ours.__cause__ is error or isinstance(error, ExceptionGroup)


def test_ours_stay_as_they_are():
    error = BadAnswer("no")
    assert as_ours(error, "m") is error
    assert as_ours(ExceptionGroup("", [error]), "m") is error


def test_the_servers_wish_for_patience_is_heard():
    assert as_ours(StatusError(429, {"retry-after": "7"}), "m").retry_after == 7.0
    assert as_ours(StatusError(429, {"retry-after": "tomorrow"}), "m").retry_after is None
    assert as_ours(StatusError(429), "m").retry_after is None


@pytest.mark.parametrize(
    ("error", "calls"), [(StatusError(503), 3), (StatusError(401), 1), (TimeoutError(), 3)], ids=repr
)
def test_what_may_pass_is_asked_again(error, calls):
    asked = []

    def fail(pairs):
        asked.append(len(pairs))
        raise error

    runtime = Runtime(retry=Retry(attempts=3, first=0.0))
    with pytest.raises(ModelError):
        CrossEncoder(FunctionScorer(fail)).rank("q", ["a"], runtime=runtime)
    with pytest.raises(ModelError):
        asyncio.run(CrossEncoder(FunctionScorer(fail)).arank("q", ["a"], runtime=runtime))
    assert len(asked) == 2 * calls
