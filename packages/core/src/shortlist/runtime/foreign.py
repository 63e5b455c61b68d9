"""Errors of other people's clients in terms of ours: above all, whether asking again can help."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shortlist.errors import ModelError, ModelTimeout, ModelUnavailable, ShortlistError

# Clients share no base class for a failure that may pass: their class names are what they have in common.
_LATE = re.compile(r"Timeout|TimedOut|DeadlineExceeded")
_PASSING = re.compile(r"Connect|Transport|RateLimit|TooManyRequests|Unavailable|Overloaded|InternalServer")


def as_ours(error: BaseException, label: str) -> ShortlistError:
    """The error that a door's exception stands for: its own, if it is one of ours.

    A HTTP status that the exception carries decides (408, 425, 429 and 5xx may pass); without one, the names of its
    classes and of what it was raised from. A Retry-After among the headers of its response is kept.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ShortlistError):
        return error
    made = _kind(error)(f"{label} failed: {type(error).__name__}: {error}")
    if isinstance(made, ModelUnavailable):
        made.retry_after = _retry_after(error)
    made.__cause__ = error
    return made


def _kind(error: BaseException) -> type[ModelError]:
    status = getattr(error, "status_code", getattr(getattr(error, "response", None), "status_code", None))
    if isinstance(status, int):
        return ModelUnavailable if status in {408, 425, 429} or status >= 500 else ModelError
    names = [cls.__name__ for cls in (*type(error).__mro__, *type(error.__cause__).__mro__)]
    if any(map(_LATE.search, names)):
        return ModelTimeout
    return ModelUnavailable if any(map(_PASSING.search, names)) else ModelError


def _retry_after(error: BaseException) -> float | None:
    from shortlist.models.remote import retry_after

    headers = getattr(getattr(error, "response", None), "headers", None)
    return retry_after(headers) if isinstance(headers, Mapping) else None
