"""Confidences and thresholds of abstention, fitted on scored lists."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from shortlist.algorithms.abstention import (
    CONFIDENCES,
    Linear,
    Logistic,
    ReferenceFree,
    features,
    fit_logistic,
    fit_ridge,
    logistic_confidence,
    nauc,
    reference_free,
    ridge_confidence,
    threshold_for,
    threshold_table,
)
from shortlist.algorithms.measures import ndcg_at
from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError
from shortlist.training.judged import JudgedList, folds
from shortlist.training.scored import ScoredList, scored_folds

Utility = Callable[[Floats, Ints], float]
_PLACES = 5


def average_precision(scores: Floats, grades: Ints) -> float:
    """The mean over the relevant of the precision at their ranks; 0 when nothing is relevant."""
    relevant = grades[np.argsort(-scores, kind="stable")] > 0
    ranks = np.arange(1, len(relevant) + 1)
    return float((np.cumsum(relevant) / ranks)[relevant].mean()) if relevant.any() else 0.0


def reciprocal_rank(scores: Floats, grades: Ints) -> float:
    """One over the rank of the first relevant one; 0 when nothing is relevant."""
    relevant = grades[np.argsort(-scores, kind="stable")] > 0
    return 1.0 / (1.0 + float(relevant.argmax())) if relevant.any() else 0.0


UTILITIES: Mapping[str, Utility] = MappingProxyType(
    {
        "ndcg": lambda scores, grades: ndcg_at(scores, grades, 10),
        "ap": average_precision,
        "rr": reciprocal_rank,
        "any": lambda _, grades: float((grades > 0).any()),
    }
)
"""How well a list serves: nDCG@10, average precision, reciprocal rank, or whether anything in it is relevant."""


class _Given(NamedTuple):
    utility: str = "ndcg"
    unanswerable: float = 0.0
    length: int | None = None
    alpha: float = 0.1
    seed: int = 0


def fit_abstention(lists: Sequence[ScoredList], given: Mapping[str, Any]) -> dict[str, Any]:
    """What `Abstain` reads: ridge and logistic confidences, and where the confidences of reference queries lie.

    The regressions are fitted on one half of the lists and the confidences taken on the other; the halves share no
    query and no relevant text. Nothing of the queries that will come is read.

    Args:
        lists: scored by the pipeline that is to stand before.
        given: `utility`, one of `UTILITIES` (ndcg); `unanswerable`, the share of lists whose relevant passages are
            taken out (0), see `without_support`; `length`, how many places of a list are read (5, or the median length
            where lists are shorter; each more is one more weight to fit); `alpha`, of both regressions (0.1); `seed`
            (0).

    Raises:
        InputError: a setting cannot be one, or the lists are too few or too alike to be parted.
    """
    settings = check_abstention(given)
    fitting, reference = scored_folds(lists, 2, settings.seed)
    if settings.unanswerable:
        fitting = without_support(fitting, settings.unanswerable, settings.seed)
        reference = without_support(reference, settings.unanswerable, settings.seed + 1)
    length = settings.length or min(_PLACES, int(np.median([len(each.passages) for each in fitting])))
    rows = np.stack([features(each.scores, length) for each in fitting])
    utilities = utilities_of(fitting, settings.utility)
    ridge, logistic = fit_ridge(rows, utilities, settings.alpha), fit_logistic(rows, utilities, settings.alpha)
    found = confidences([each.scores for each in reference], ridge, logistic)
    return {
        "utility": settings.utility,
        "unanswerable": settings.unanswerable,
        "fitted on": len(fitting),
        "reference": len(reference),
        "ridge": {"weights": ridge.weights.tolist(), "intercept": ridge.intercept},
        "logistic": {"weights": logistic.weights.tolist(), "intercepts": _finite(logistic.intercepts)},
        "confidences": {name: _rounded(threshold_table(values)) for name, values in found.items()},
    }


def check_abstention(given: Mapping[str, Any]) -> _Given:
    """The settings.

    Raises:
        InputError: one of them cannot be one.
    """
    if unknown := sorted(set(given) - set(_Given._fields)):
        raise InputError(f"abstention has no setting {unknown[0]!r}; it has {', '.join(_Given._fields)}")
    settings = _Given(**given)
    length = 1 if settings.length is None else settings.length
    whole = type(settings.seed) is int and settings.seed >= 0 and type(length) is int and length > 0
    numbers = all(type(each) in (int, float) for each in (settings.unanswerable, settings.alpha))
    if settings.utility not in UTILITIES:
        raise InputError(f"a utility is one of {', '.join(UTILITIES)}, not {settings.utility!r}")
    if not whole or not numbers or not 0.0 <= settings.unanswerable < 1.0 or not settings.alpha > 0.0:
        raise InputError(f"not settings of abstention: {settings._asdict()}")
    return settings


def enough_abstention(lists: Sequence[JudgedList], given: Mapping[str, Any]) -> None:
    """See that the lists can be parted in two.

    Raises:
        InputError: they share too much.
    """
    folds(lists, 2, check_abstention(given).seed)


def measure_abstention(
    held: Sequence[tuple[Mapping[str, Any], Sequence[ScoredList]]], given: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Means over held-out lists: nAUC of each confidence, and the share abstained on where a tenth was asked for."""
    settings = check_abstention(given)
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in CONFIDENCES}
    for place, (values, part) in enumerate(held):
        lists = without_support(part, settings.unanswerable, place) if settings.unanswerable else list(part)
        found = confidences([each.scores for each in lists], *models(values))
        utilities = utilities_of(lists, settings.utility)
        for name, each in found.items():
            least = threshold_for(0.1, np.array(values["confidences"][name]))
            rows[name].append((nauc(each, utilities), float((each < least).mean())))
    means = {name: np.mean(values, axis=0).tolist() for name, values in rows.items()}
    return {name: {"nAUC": gained, "abstained at rate 0.1": share} for name, (gained, share) in means.items()}


def models(values: Mapping[str, Any]) -> tuple[Linear, Logistic]:
    """The regressions that `fit_abstention` wrote."""
    ridge, logistic = values["ridge"], values["logistic"]
    intercepts = np.array([-np.inf if each is None else each for each in logistic["intercepts"]])
    linear = Linear(np.array(ridge["weights"]), ridge["intercept"])
    return linear, Logistic(np.array(logistic["weights"]), intercepts)


def confidences(lists: Sequence[Floats], ridge: Linear, logistic: Logistic) -> dict[str, Floats]:
    """Of lists of scores, by each function, shape (lists,)."""
    free: tuple[ReferenceFree, ...] = ("max", "std", "gap", "top-mean")
    found: dict[str, list[float]] = {
        "ridge": [ridge_confidence(each, ridge) for each in lists],
        "logistic": [logistic_confidence(each, logistic) for each in lists],
        **{name: [reference_free(each, name) for each in lists] for name in free},
    }
    return {name: np.array(values) for name, values in found.items()}


def utilities_of(lists: Sequence[ScoredList], utility: str) -> Floats:
    """How well each list serves, shape (lists,)."""
    return np.array([UTILITIES[utility](each.scores, each.grades) for each in lists])


def without_support(lists: Sequence[ScoredList], share: float, seed: int = 0) -> list[ScoredList]:
    """This share of the lists without their relevant passages; of the others as many that are not relevant go.

    So a list's length says nothing of whether it can be answered. Lists of relevant passages alone, and lists without
    any, stay as they are. Exact for pipelines that score each passage by itself; one that reads them together would
    have scored the rest otherwise.
    """
    rng = random.Random(seed)
    changed = set(rng.sample(range(len(lists)), round(share * len(lists))))
    return [_thinned(each, rng, relevant=place in changed) for place, each in enumerate(lists)]


def _thinned(each: ScoredList, rng: random.Random, *, relevant: bool) -> ScoredList:
    wanted, others = np.flatnonzero(each.grades > 0), np.flatnonzero(each.grades <= 0)
    if not len(wanted) or not len(others):
        return each
    count = min(len(wanted), len(others) - 1)
    gone = set(wanted.tolist() if relevant else rng.sample(others.tolist(), count))
    kept = [i for i in range(len(each.grades)) if i not in gone]
    return each._replace(passages=tuple(each.passages[i] for i in kept), grades=each.grades[kept])


def _finite(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
