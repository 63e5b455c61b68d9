"""Keep as few passages as hold what is wanted with a stated chance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, get_args

from shortlist.algorithms.conformal import (
    MEASURES,
    Measure,
    Needed,
    conformal_threshold,
    depth_within,
    nonconformity,
)
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.fitted.store import Fitted, fitted, shipped
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.reranker.chain import stages
from shortlist.reranker.expression import load
from shortlist.rerankers.cut import Cut, Depth

_USUAL = "ms-marco-minilm"


@dataclass(frozen=True)
class ConformalCut(Cut):
    """Keep the fewest passages that include the wanted ones with a chance of at least `coverage`.

    Split conformal prediction: the calibration holds, for judged queries, how far down their lists one had to go. The
    chance is over queries that have something wanted, and holds exactly where a new query and its list are like those
    of the calibration (exchangeable with them): the same stages before, and queries of the same kind. For others it is
    no promise; `shortlist fit conformal` calibrates on your own. Where the calibration has too few queries for the
    coverage that is asked, all passages are kept, and the ranking says so. It also says when other stages stand before
    than at the calibration, when `max_k` keeps fewer than the chance asks for, and when the list's first score, spread
    or length lies outside all that the calibration saw, which for a query like those is rarer than 6 in (n + 1).

    Attributes:
        coverage: the chance, in (0, 1).
        calibration: whose scores are read: the name of one that comes with the package, or the path of a file. None is
            the one that comes with the package for the stages before, in a chain; where there is none, that of
            `ms-marco-minilm`, and the ranking says so. Names with `-mmr` are for `Mmr(diversity=0.3)` in between, those
            with `-dynamic-k` for the chances that a policy tells, `DynamicK(reorder=True, cost=0)`; of chances, the
            measure `score` keeps the fewest.
        needed: whether `all` that is wanted is to be kept, or `any` of it.
        measure: what depth is told by: `standardised`, `mass`, `score` or `rank`.
    """

    name = "conformal-cut"
    source = Source(
        "A Gentle Introduction to Conformal Prediction", "Found. Trends Mach. Learn., arXiv 2107.07511", 2023
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})

    coverage: float = 0.9
    calibration: str | None = None
    needed: Needed = "all"
    measure: Measure = "standardised"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.coverage < 1.0:
            raise InputError(f"coverage must be above 0 and below 1, not {self.coverage}")
        if self.measure not in MEASURES:
            raise InputError(f"measure must be one of {', '.join(MEASURES)}, not {self.measure!r}")
        if self.needed not in get_args(Needed):
            raise InputError(f"needed must be all or any, not {self.needed!r}")
        self._threshold(self._fitted())

    def behind(self, before: Reranker) -> tuple[Reranker, tuple[str, ...]]:
        """With the calibration for the stages before; or with a note, where the one that is named is for others."""
        if self.calibration is None:
            known = next((name for name in shipped("conformal") if _fits(_calibrated_behind(name), before)), None)
            return replace(self, calibration=known), ()
        meant = _calibrated_behind(self.calibration)
        if not meant or _fits(meant, before):
            return self, ()
        told, found = _said(meant), _said(stages(before))
        there = "the same, set otherwise" if told == found else found
        return self, (f"{self.calibration} was calibrated behind {told}, not behind {there}: no chance is promised",)

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Asks nothing."""
        yield from ()
        found = self._fitted()
        threshold = self._threshold(found)
        repairs = (*self._unnamed(), *_unlike(scores, found.values["seen"], self.calibration or _USUAL))
        if threshold == math.inf:
            few = f"{found.values['lists']} calibration queries cannot promise {self.coverage:g}: none was cut"
            return Depth(len(scores), "", repairs=(*repairs, few, *self._limited(len(scores))))
        values = nonconformity(scores, self.measure)
        k = depth_within(values, threshold)
        reasons = [{"nonconformity": value} for value in values.tolist()]
        why = f"what is wanted stands above with a chance of {self.coverage:g} (nonconformity over {threshold:.4g})"
        return Depth(k, why, reasons, (*repairs, *self._limited(k)))

    def _fitted(self) -> Fitted:
        return fitted("conformal", _USUAL if self.calibration is None else self.calibration)

    def _unnamed(self) -> tuple[str, ...]:
        if self.calibration is not None:
            return ()
        return (f"no calibration is known for the stages before: that of {_USUAL} was read, and no chance is promised",)

    def _limited(self, k: int) -> tuple[str, ...]:
        if self.max_k is None or k <= self.max_k:
            return ()
        return (f"max_k keeps {self.max_k} where {k} were to be kept: no chance is promised",)

    def _threshold(self, found: Fitted) -> float:
        try:
            values, lists = found.values["values"][self.measure][self.needed], found.values["lists"]
            return conformal_threshold(values, lists, self.coverage)
        except (KeyError, TypeError) as error:
            raise InputError(f"the conformal calibration {self.calibration} lacks {error}") from error


def _calibrated_behind(name: str) -> tuple[Reranker, ...]:
    """The stages that stood before at the calibration; none where its file does not say."""
    return _read_stages(json.dumps(fitted("conformal", name).about.get("pipeline")))


@lru_cache(maxsize=64)
def _read_stages(pipeline: str) -> tuple[Reranker, ...]:
    try:
        return stages(load(json.loads(pipeline)))
    except InputError:  # no pipeline, or the name of one that holds code
        return ()


def _fits(meant: tuple[Reranker, ...], before: Reranker) -> bool:
    """Whether these stages stand last, right before: whatever chose the candidates for them may stand ahead."""
    return bool(meant) and stages(before)[-len(meant) :] == meant


def _said(given: Sequence[Reranker]) -> str:
    return " >> ".join(each.name for each in given)


def _spread(scores: Floats) -> float:
    """The standard deviation; infinite, without a warning, where it is beyond a float."""
    largest = float(abs(scores).max())
    return float((scores / largest).std()) * largest if largest > 0.0 else 0.0


def _unlike(scores: Floats, seen: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Where the list lies outside all that the calibration saw."""
    told = {"first score": float(scores[0]), "spread": _spread(scores), "length": float(len(scores))}
    return tuple(
        f"{what} {value:.4g} is outside what {name} was calibrated on ({low:.4g} to {high:.4g}): no chance is promised"
        for what, value in told.items()
        for low, high in (seen.get(what, (-math.inf, math.inf)),)
        if not low <= value <= high
    )
