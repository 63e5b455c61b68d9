"""Criteria that need no model: how new, whence, how long, or any function of a passage."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

import numpy as np

from shortlist.algorithms.criteria import TOP, halved, within
from shortlist.arrays import Floats
from shortlist.criteria.dates import day_of, today_or
from shortlist.criteria.judged import check_named
from shortlist.errors import InputError
from shortlist.passage import Passage


class ComputedCriterion(ABC):
    """A number from 0 to 5 for each passage, or None where nothing is known; None counts as the mean of the others."""

    kind: ClassVar[str]
    name: str
    weight: float

    @abstractmethod
    def values(self, passages: Sequence[Passage]) -> list[float | None]:
        """One for each passage."""


@dataclass(frozen=True)
class Recency(ComputedCriterion):
    """How new a passage is: `5 · 2^(-age / half-life)`. A date in the future is new; a passage without one is unknown.

    Attributes:
        key: of the metadata that holds the date: ISO 8601, a date or datetime, or seconds since 1970.
        half_life_days: after which a passage has half of what it had.
        weight: what a point of it counts, beside a point of relevance.
        today: the day that ages are counted from, in ISO form; None for the day on which it is asked.
        name: what reasons call it.

    Raises:
        InputError: the half-life is not above 0, `today` is no date, or the weight is not a finite number.
    """

    kind = "recency"

    key: str = "date"
    half_life_days: float = 365.0
    weight: float = 0.5
    today: str | None = None
    name: str = "Recency"

    def __post_init__(self) -> None:
        check_named(self.name, self.weight)
        today_or(self.today)
        if not 0 < self.half_life_days < math.inf:
            raise InputError(f"half_life_days must be above 0, not {self.half_life_days}")

    def values(self, passages: Sequence[Passage]) -> list[float | None]:
        """From the dates in their metadata."""
        today = today_or(self.today)
        days = [day_of(passage.metadata.get(self.key)) for passage in passages]
        return [None if day is None else halved(today - day, self.half_life_days) for day in days]


@dataclass(frozen=True)
class Authority(ComputedCriterion):
    """How far a source is to be trusted, by a table. A source that is a URL is also looked up by its host.

    Attributes:
        key: of the metadata that names the source.
        table: source to a number from 0 to 5, as a mapping or as pairs; upper and lower case are the same. A host also
            stands for the hosts below it: `nature.com` for `www.nature.com`.
        default: for a source that is not in the table; None where nothing is known of it.
        weight: what a point of it counts, beside a point of relevance.
        name: what reasons call it.

    Raises:
        InputError: a number is not from 0 to 5, or the weight is not a finite number.
    """

    kind = "authority"

    key: str = "source"
    table: tuple[tuple[str, float], ...] = ()
    default: float | None = None
    weight: float = 0.5
    name: str = "Authority"

    def __post_init__(self) -> None:
        check_named(self.name, self.weight)
        object.__setattr__(self, "table", _pairs(self.table))
        for _, value in (*self.table, ("default", self.default)):
            if value is not None and not 0 <= value <= TOP:
                raise InputError(f"an authority must be from 0 to 5, not {value!r}")

    def values(self, passages: Sequence[Passage]) -> list[float | None]:
        """From the table."""
        known = dict(self.table)
        return [self._value(known, passage.metadata.get(self.key)) for passage in passages]

    def _value(self, known: Mapping[str, float], source: object) -> float | None:
        if source is None:
            return self.default
        names = _names(str(source).strip().lower())
        return next((known[name] for name in names if name in known), self.default)


@dataclass(frozen=True)
class Length(ComputedCriterion):
    """5 for a passage of the right length in words, and in proportion less for one that is too short or too long.

    Attributes:
        least: words that a passage should have.
        most: words that it should not go beyond.
        weight: what a point of it counts, beside a point of relevance.
        name: what reasons call it.

    Raises:
        InputError: not 0 < `least` <= `most`, or the weight is not a finite number.
    """

    kind = "length"

    least: int = 50
    most: int = 500
    weight: float = 0.5
    name: str = "Length"

    def __post_init__(self) -> None:
        check_named(self.name, self.weight)
        if not 0 < self.least <= self.most:
            raise InputError(f"a length goes from above 0 to no less: not {self.least} to {self.most}")

    def values(self, passages: Sequence[Passage]) -> list[float | None]:
        """From their texts."""
        return [within(len(passage.text.split()), self.least, self.most) for passage in passages]


@dataclass(frozen=True)
class Computed(ComputedCriterion):
    """Any function of a passage. It cannot be written down: a reranker that holds one is given it again on loading.

    Attributes:
        name: what reasons call it.
        function: a passage to a number, clipped to 0 to 5; None or NaN where nothing is known.
        weight: what a point of it counts, beside a point of relevance.

    Raises:
        InputError: the weight is not a finite number; on ranking, that the function failed or gave no number.
    """

    kind = "computed"

    name: str
    function: Callable[[Passage], float | None]
    weight: float = 0.5

    def __post_init__(self) -> None:
        check_named(self.name, self.weight)
        if not callable(self.function):
            raise InputError(f"the function of {self.name} cannot be called")

    def values(self, passages: Sequence[Passage]) -> list[float | None]:
        """What the function gives."""
        return [self._value(i, passage) for i, passage in enumerate(passages)]

    def _value(self, index: int, passage: Passage) -> float | None:
        try:
            value = self.function(passage)
            number = math.nan if value is None else float(value)
        except Exception as error:
            raise InputError(f"the criterion {self.name} failed on passage {index}: {error!r}") from error
        return None if math.isnan(number) else min(max(number, 0.0), TOP)


def computed_table(criteria: Sequence[ComputedCriterion], passages: Sequence[Passage]) -> Floats:
    """Their numbers, shape (n, k); NaN where nothing is known."""
    columns = [[math.nan if v is None else v for v in each.values(passages)] for each in criteria]
    return np.array(columns, dtype=np.float64).reshape(len(criteria), len(passages)).T


def _pairs(table: object) -> tuple[tuple[str, float], ...]:
    pairs = table.items() if isinstance(table, Mapping) else table
    try:
        return tuple((str(source).strip().lower(), float(value)) for source, value in pairs)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise InputError(f"a table of authorities is pairs of a source and a number: {error}") from error


def _names(source: str) -> list[str]:
    """What a source may stand under in the table: itself, then its host and the domains above it."""
    try:
        host = (urlsplit(source).hostname if "://" in source else source) or ""
    except ValueError:  # a bracket that is no address
        host = ""
    parts = host.split(".")
    return [source, *(".".join(parts[i:]) for i in range(len(parts)))]
