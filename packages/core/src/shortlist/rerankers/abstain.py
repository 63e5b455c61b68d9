"""Nothing, where nothing found will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np

from shortlist.algorithms.abstention import (
    CONFIDENCES,
    Confidence,
    Linear,
    Logistic,
    abstains,
    logistic_confidence,
    reference_free,
    ridge_confidence,
    threshold_for,
)
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.fitted.store import fitted
from shortlist.passage import NOTHING, Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.rerankers.inputs import known_scores, unscored

Then: TypeAlias = Literal["empty", "mark"]


@dataclass(frozen=True)
class Abstain(Reranker):
    """Give no passages where the scores of the stage before say that none will do: better silence than a wrong source.

    A confidence is computed from the sorted scores of the list, and higher is better. Below the threshold the reranker
    abstains. What is kept is best first, and keeps its score. Where a passage has no score there is nothing to tell a
    confidence by: all are kept as they came, and the ranking says so.

    Attributes:
        rate: the share of queries to abstain on, were they like those of the reference: more of them are worse, more
            are abstained on.
        threshold: a confidence to abstain below, in the place of `rate`.
        confidence: `ridge` expects the list's utility (best in the paper), `logistic` is P(good) - P(bad); both are
            fitted. `max`, `std`, `gap` (the first less the second) and `top-mean` (of three) are not, and with a
            threshold they need no reference.
        reference: where the fitted numbers and the reference's confidences come from: the name of the scorer whose
            scores are read, or the path of a file that `shortlist fit abstention` wrote.
        then: `empty` drops all with the reason; `mark` keeps all, with the reason under `abstain` among those of each.
    """

    name = "abstain"
    source = Source("Towards Trustworthy Reranking: A Simple yet Effective Abstention Mechanism", "TMLR", 2024)
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})

    rate: float = 0.1
    threshold: float | None = None
    confidence: Confidence = "ridge"
    reference: str = "ms-marco-minilm"
    then: Then = "empty"

    def __post_init__(self) -> None:
        if self.confidence not in CONFIDENCES:
            raise InputError(f"a confidence is one of {', '.join(CONFIDENCES)}, not {self.confidence!r}")
        if self.then not in get_args(Then):
            raise InputError(f"then must be one of {', '.join(get_args(Then))}, not {self.then!r}")
        if self.threshold is None and not 0.0 < self.rate < 1.0:
            raise InputError(f"rate must be above 0 and below 1, not {self.rate}")
        if self.threshold is not None and not np.isfinite(self.threshold):
            raise InputError(f"threshold must be finite, not {self.threshold}")
        self.confidence_of(np.zeros(1))  # what the reference lacks is to be said now
        self.least()

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Asks nothing."""
        yield from ()
        known = known_scores(passages)
        if known is None:
            told = unscored(passages, "abstain kept them as they came")
            return Ranking.by_order(passages, range(len(passages))).noting(*told)
        return self._decided(passages, known.scores)

    def confidence_of(self, scores: Floats) -> float:
        """The confidence in a list with these scores, shape (n,), n > 0."""
        if self.confidence == "ridge":
            return ridge_confidence(scores, _linear(self.reference))
        if self.confidence == "logistic":
            return logistic_confidence(scores, _logistic(self.reference))
        return reference_free(scores, self.confidence)

    def least(self) -> float:
        """The confidence below which this abstains."""
        if self.threshold is not None:
            return self.threshold
        return threshold_for(
            self.rate, _array(_part(self.reference, "confidences").get(self.confidence), 1, self.reference)
        )

    def _decided(self, passages: Sequence[Passage], scores: Floats) -> Ranking:
        confidence, least = self.confidence_of(scores), self.least()
        why = f"{self.confidence} confidence {confidence:.4g} is below {least:.4g}"
        silent = abstains(confidence, least)
        reasons: dict[str, float | str] = {"confidence": confidence}
        if silent:
            reasons["abstain" if self.then == "mark" else "dropped"] = (
                why if self.then == "mark" else f"abstained: {why}"
            )
        order: list[int] = np.argsort(-scores, kind="stable").tolist()
        items = tuple(Ranked(passages[i], i, float(scores[i]), reasons) for i in order)
        return Ranking((), items, "utility") if silent and self.then == "empty" else Ranking(items, (), "utility")


def _part(name: str, part: str) -> Mapping[str, Any]:
    found = fitted("abstention", name).values.get(part)
    return found if isinstance(found, Mapping) else NOTHING


def _linear(name: str) -> Linear:
    found = _part(name, "ridge")
    return Linear(_array(found.get("weights"), 1, name), float(_array(found.get("intercept"), 0, name)))


def _logistic(name: str) -> Logistic:
    found = _part(name, "logistic")
    weights, classes = _array(found.get("weights"), 2, name), _array(found.get("intercepts"), 1, name, holes=True)
    if len(weights) != 3 or len(classes) != 3:
        raise InputError(f"the abstention {name} has not the weights of three classes")
    return Logistic(weights, np.where(np.isnan(classes), -np.inf, classes))


def _array(value: object, dimensions: int, name: str, *, holes: bool = False) -> Floats:
    """Numbers of a file, which may hold anything."""
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the abstention {name} holds something else where numbers should stand") from error
    if found.ndim != dimensions or not found.size or not (holes or np.isfinite(found).all()):
        raise InputError(f"the abstention {name} lacks numbers of {dimensions} dimensions")
    return found
