"""How plans are driven: limits, retries, timeouts, cache. All of it values."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from shortlist.errors import InputError, ModelUnavailable, ShortlistError
from shortlist.runtime.cache import Cache, cache_at


@dataclass(frozen=True, slots=True)
class Limits:
    """What one ranking may take at most; None is no limit. Checked before a round is sent.

    Attributes:
        calls: asks sent to models; trying one again after a failure counts no second time.
        tokens: tokens in and out; before a round, the model's estimate counts.
        seconds: wall clock; asks under way when it passes are abandoned.
        money: in the currency of the models' price tables; needs models that have one.

    Raises:
        InputError: a limit is negative or not a number.
    """

    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value >= 0:
                raise InputError(f"the limit on {field.name} must be 0 or more, not {value!r}")


@dataclass(frozen=True, slots=True)
class Retry:
    """When to ask again: only after retriable errors, later each time, at random within the wait.

    Attributes:
        attempts: how often to ask in all.
        first: seconds before the second attempt; doubled for each one after.
        longest: seconds that one wait takes at most; a server that asks for more is not asked again.
    """

    attempts: int = 3
    first: float = 0.5
    longest: float = 30.0

    def delay(self, error: ShortlistError, attempt: int) -> float | None:
        """Seconds to wait after this attempt (from 1) failed so, or None to give up.

        Full jitter: uniform in (0, backoff], so that clients that failed together do not come back together. A
        server's Retry-After is a floor under it.
        """
        if attempt >= self.attempts or not isinstance(error, ModelUnavailable):
            return None
        if (error.retry_after or 0.0) > self.longest:
            return None
        backoff = random.uniform(0.0, min(self.longest, self.first * 2.0 ** (attempt - 1)))
        return max(backoff, error.retry_after or 0.0)


@dataclass(frozen=True, slots=True)
class Runtime:
    """How to drive plans.

    Attributes:
        limits: for each ranking.
        retry: when to ask again.
        timeout: seconds that one call to a remote model may take; None is no timeout. A local model, whose one call
            may hold any number of asks, is bound by `limits.seconds` only, which it heeds between two batches.
        cache: where answers are looked up before a model is asked.
        window: how many plans `rank_many` keeps under way at once; it bounds memory.
    """

    limits: Limits = Limits()
    retry: Retry = Retry()
    timeout: float | None = 60.0
    cache: Cache | None = None
    window: int = 256

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; a cache on disk becomes its path, one in memory the word `memory`."""
        cache = None if self.cache is None else self.cache.location
        settings = {"limits": asdict(self.limits), "retry": asdict(self.retry)}
        return {**settings, "timeout": self.timeout, "cache": cache, "window": self.window}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The runtime that `to_dict` wrote; names left out keep their defaults.

        Raises:
            InputError: a name that no setting has.
        """
        try:
            values = dict(data)
            values["limits"] = Limits(**values.get("limits") or {})
            values["retry"] = Retry(**values.get("retry") or {})
            values["cache"] = None if values.get("cache") is None else cache_at(values["cache"])
            return cls(**values)
        except TypeError as error:
            raise InputError(f"not a runtime: {error}") from error
