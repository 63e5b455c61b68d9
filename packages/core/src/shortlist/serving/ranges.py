"""How far a number of a pipeline may be turned.

A class checks what it can work with; here stands what a stranger may ask for. Settings that multiply the work (passes,
repeats, neighbours, subtopics) end early, as do whole numbers of which nothing is said here; a value of the operator's
own is always within.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from shortlist.reranker.base import Reranker
from shortlist.reranker.strategy import Windowed


class Range(NamedTuple):
    """From where to where, and in what steps; None for no end."""

    low: float | None
    high: float | None
    step: float


_SHARE, _INSIDE, _ABOVE = Range(0.0, 1.0, 0.01), Range(0.01, 0.99, 0.01), Range(0.01, 1.0, 0.01)
_ANY, _COUNT, _TIMES = Range(None, None, 0.01), Range(1, 1000, 1), Range(1, 10, 1)
_LEAST = 100  # where a whole number that stands nowhere below ends, or at twice the operator's own

_BY_NAME: Mapping[str, Range] = MappingProxyType(
    {
        **dict.fromkeys(("diversity", "prior", "lexical", "b", "feedback", "focus", "cost"), _SHARE),
        **dict.fromkeys(("rate", "coverage"), _INSIDE),
        **dict.fromkeys(("share",), _ABOVE),
        **dict.fromkeys(("passes", "repeats", "finals", "deals", "samples"), _TIMES),
        **dict.fromkeys(("k", "max_k"), _COUNT),  # how many to keep: no more work for it
        **dict.fromkeys(("min_k", "overhead"), Range(0, 1000, 1)),
        **dict.fromkeys(("neighbours", "expand"), Range(0, 50, 1)),
        **dict.fromkeys(("anchors", "keywords", "count", "most"), Range(1, 50, 1)),
        "alpha": Range(0.0, 0.99, 0.01),
        "beta": Range(0.0, 2.0, 0.01),
        "drop": Range(0.05, 0.95, 0.05),
        "tolerance": Range(0.001, 0.499, 0.001),
        "k1": Range(0.0, 10.0, 0.1),
        "weight": Range(-10.0, 10.0, 0.1),
        "weights": Range(0.0, 10.0, 0.1),
        "half_life_days": Range(1.0, 36_500.0, 1.0),
        "temperature": Range(0.01, 100.0, 0.01),
        "seed": Range(0, 2**31 - 1, 1),
        "words": Range(1, 10_000, 1),
        "max_tokens": Range(1, 8192, 1),
        "batch_size": Range(1, 100, 1),
    }
)
_BY_PLACE: Mapping[tuple[str, str], Range] = MappingProxyType(
    {
        **dict.fromkeys(((kind, "k") for kind in ("amr", "entities", "keywords", "neighbours")), Range(1, 50, 1)),
        ("adaptive", "budget"): Range(1, 200, 1),
        ("authority", "default"): Range(0.0, 5.0, 0.1),
        ("collaborative", "anchors"): Range(1, 100, 1),
        ("dpp", "window"): Range(2, 1000, 1),
        ("dynamic-k", "confidence"): _ABOVE,
        ("fuse", "k"): Range(1.0, 1000.0, 1.0),
        ("length", "least"): Range(1, 10_000, 1),
        ("length", "most"): Range(1, 10_000, 1),
        ("near-duplicates", "threshold"): _ABOVE,
        ("rebel", "anchors"): Range(0, 50, 1),
        ("rebel", "threshold"): Range(0.0, 10.0, 0.1),
        ("ssd", "window"): Range(2, 1000, 1),
        ("token-budget", "budget"): Range(1, 1_000_000, 1),
    }
)


def range_of(part: Any, name: str, *, whole: bool, value: float | None) -> Range:
    """The range of a setting that is a number, of a reranker or of what stands in one."""
    of = part.name if isinstance(part, Reranker) else part.kind
    unknown = Range(1, max(_LEAST, 2 * (value or 0)), 1) if whole else _ANY
    found = _windowed(part, name) or _BY_PLACE.get((of, name)) or _BY_NAME.get(name) or unknown
    if value is None:
        return found
    low = None if found.low is None else min(found.low, value)
    return Range(low, None if found.high is None else max(found.high, value), found.step)


def _windowed(part: Any, name: str) -> Range | None:
    """Of a strategy that asks about several passages at once: its scorer says how many they may be."""
    if not isinstance(part, Windowed):
        return None
    halves = {"keep": part.size // 2, "stride": part.size - 1}
    if name == "window":
        return Range(part.least, part.scorer.window, 1)
    return Range(1, max(1, halves[name]), 1) if name in halves else None
