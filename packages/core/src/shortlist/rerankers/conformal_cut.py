"""Keep as few passages as hold what is wanted with a stated chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from shortlist.fitted.store import Fitted, fitted
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.reranker.base import Need, Source
from shortlist.rerankers.cut import Cut, Depth


@dataclass(frozen=True)
class ConformalCut(Cut):
    """Keep the fewest passages that include the wanted ones with a chance of at least `coverage`.

    Split conformal prediction: the calibration holds, for judged queries, how far down their lists one had to go. The
    chance is over queries that have something wanted, and holds exactly where a new query and its list are like those
    of the calibration (exchangeable with them): the same stages before, and queries of the same kind. For others it is
    no promise; `shortlist fit conformal` calibrates on your own. Where the calibration has too few queries for the
    coverage that is asked, all passages are kept, and the ranking says so. It also says when the list's first score,
    spread or length lies outside all that the calibration saw, which for a query like those is rarer than 6 in (n + 1).

    Attributes:
        coverage: the chance, in (0, 1).
        calibration: whose scores are read: the name of one that comes with the package, or the path of a file. Names
            with `-mmr` are for `Mmr(diversity=0.3)` in between, those with `-dynamic-k` for the chances that a policy
            tells, `DynamicK(reorder=True, cost=0)`; of chances, the measure `score` keeps the fewest.
        needed: whether `all` that is wanted is to be kept, or `any` of it.
        measure: what depth is told by: `standardised`, `mass`, `score` or `rank`.
    """

    name = "conformal-cut"
    source = Source(
        "A Gentle Introduction to Conformal Prediction", "Found. Trends Mach. Learn., arXiv 2107.07511", 2023
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})

    coverage: float = 0.9
    calibration: str = "ms-marco-minilm"
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
        self._threshold(fitted("conformal", self.calibration))

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Asks nothing."""
        yield from ()
        found = fitted("conformal", self.calibration)
        threshold = self._threshold(found)
        values = nonconformity(scores, self.measure)
        lists = found.values["lists"]
        repairs = _unlike(scores, found.values["seen"], self.calibration)
        if threshold == math.inf:
            few = f"{lists} calibration queries cannot promise {self.coverage:g}: all passages were kept"
            return Depth(len(scores), "", repairs=(*repairs, few))
        reasons = [{"nonconformity": value} for value in values.tolist()]
        why = f"what is wanted stands above with a chance of {self.coverage:g} (nonconformity over {threshold:.4g})"
        return Depth(depth_within(values, threshold), why, reasons, repairs)

    def _threshold(self, found: Fitted) -> float:
        try:
            values, lists = found.values["values"][self.measure][self.needed], found.values["lists"]
            return conformal_threshold(values, lists, self.coverage)
        except (KeyError, TypeError) as error:
            raise InputError(f"the conformal calibration {self.calibration} lacks {error}") from error


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
