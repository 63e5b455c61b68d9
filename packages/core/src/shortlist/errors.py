"""Everything that Shortlist raises.

ShortlistError
├── InputError         what the caller gave cannot be ranked (also a ValueError)
├── ModelError         a model failed; `retriable` on the class says whether asking again can help
│   ├── ModelUnavailable   429, 5xx, a connection that broke: retriable
│   │   └── ModelTimeout   no answer in time: retriable
│   └── BadAnswer          an answer that cannot be an answer: NaN, too few, the wrong shape
├── ParseError         a model's text could not be read as what was asked for
├── LimitReached       the next round would pass a limit of calls, tokens, seconds or money
├── MissingExtra       an optional dependency is not installed (also an ImportError)
└── WeightsError       weights are absent, or are not the ones that were named
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar


class ShortlistError(Exception):
    """The root of the tree."""


class InputError(ShortlistError, ValueError):
    """What the caller gave cannot be ranked. Raised before any model is called."""


class ModelError(ShortlistError):
    """A model failed to answer."""

    retriable: ClassVar[bool] = False


class ModelUnavailable(ModelError):
    """The model did not answer this time, and may the next."""

    retriable: ClassVar[bool] = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Keep the seconds that the server asked callers to wait, if it did."""
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])


class ModelTimeout(ModelUnavailable):
    """No answer came in time."""


class BadAnswer(ModelError):
    """The model answered, but not with an answer: NaN, too few values, the wrong shape."""


class ParseError(ShortlistError):
    """A model's text could not be read as what was asked for."""


class LimitReached(ShortlistError):
    """The next round would pass a limit. A plan may catch it and return its best so far."""


class MissingExtra(ShortlistError, ImportError):
    """An optional dependency is not installed. The message names the extra that brings it."""


class WeightsError(ShortlistError):
    """Weights are absent, damaged, or not the ones that were named."""


def checked_count(value: object, name: str, least: int = 1) -> int:
    """The value, where it is a number of things.

    Raises:
        InputError: it is not a whole number, or below the least.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        wanted = "above 0" if least == 1 else f"from {least}"
        raise InputError(f"{name} must be a whole number {wanted}, not {value!r}")
    return value


def require(extra: str, *modules: str) -> None:
    """Check, without importing them, that the modules behind an extra are installed.

    Raises:
        MissingExtra: one of them is not; the message says what to install.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtra(f"needs {', '.join(missing)}: pip install 'shortlist[{extra}]'")
