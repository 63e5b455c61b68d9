"""Calibrations fitted on scored lists, and measured on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shortlist.algorithms import calibration
from shortlist.algorithms.calibration import METHODS, Method, calibrated, logistic, quality, reliability
from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError
from shortlist.training.judged import JudgedList
from shortlist.training.scored import ScoredList

_SETTINGS = {"method": "platt", "relevant": 1}


def check_calibration(given: Mapping[str, Any]) -> None:
    """See that settings can be ones: `method` is platt, temperature or isotonic; `relevant` the least relevant grade.

    Raises:
        InputError: they cannot.
    """
    unknown = sorted(set(given) - set(_SETTINGS))
    if unknown:
        raise InputError(f"a calibration has no setting {unknown[0]!r}; it has {', '.join(_SETTINGS)}")
    if _method(given) not in METHODS:
        raise InputError(f"no method is {_method(given)!r}; there are {', '.join(METHODS)}")
    if type(_least(given)) is not int or _least(given) < 1:
        raise InputError(f"the least relevant grade is a whole number from 1, not {_least(given)!r}")


def enough_calibration(lists: Sequence[JudgedList], given: Mapping[str, Any]) -> None:
    """See that some passages are relevant and some are not.

    Raises:
        InputError: all or none are.
    """
    _both(np.array([grade >= _least(given) for each in lists for grade in each.grades], dtype=np.int64))


def fit_calibration(lists: Sequence[ScoredList], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a calibration, with the `range` of the scores it was fitted on and the `base_rate` among them.

    Raises:
        InputError: all or none are relevant, or relevant ones do not score higher.
    """
    check_calibration(given)
    scores, relevant = _flat(lists, _least(given))
    _both(relevant)
    values = {
        **calibration.fit(scores, relevant, _method(given)),
        "range": [float(scores.min()), float(scores.max())],
        "base_rate": float(relevant.mean()),
    }
    try:
        calibration.checked(values)
    except ValueError as error:
        raise InputError(f"these scores cannot be calibrated: {error}") from error
    return values


def measure_calibration(
    held: Sequence[tuple[Mapping[str, Any], Sequence[ScoredList]]], given: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """How good raw scores, the base rate alone, and calibrated scores are as probabilities, all held-out ones together.

    Raw scores are read as they are where all are within [-1, 1], those below 0 as 0, else by the logistic function.
    Then the reliability: for each bin of the calibrated ones, how many there are, their mean, and the share that is
    relevant.
    """
    flat = [_flat(lists, _least(given)) for _, lists in held]
    scores, relevant = (np.concatenate(each) for each in zip(*flat, strict=True))
    folds = [(values, s) for (values, _), (s, _) in zip(held, flat, strict=True)]
    found = np.concatenate([calibrated(s, values) for values, s in folds])
    base = np.concatenate([np.full(len(s), values["base_rate"]) for values, s in folds])
    rows = {"before": _as_probability(scores), "base rate alone": base, "after": found}
    bins = zip(*reliability(found, relevant), strict=True)
    return {
        **{name: {k: float(x) for k, x in quality(p, relevant)._asdict().items()} for name, p in rows.items()},
        **{
            f"bin {i}": {"passages": float(count), "mean": float(mean), "relevant": float(share)}
            for i, (count, mean, share) in enumerate(bins, 1)
        },
    }


def _both(relevant: Ints) -> None:
    if not 0 < relevant.sum() < len(relevant):
        raise InputError(f"{relevant.sum()} of {len(relevant)} passages are relevant: a calibration needs both kinds")


def _flat(lists: Sequence[ScoredList], least: int) -> tuple[Floats, Ints]:
    """All scores, and 1 where relevant, shape (n,) each."""
    scores = np.concatenate([each.scores for each in lists])
    return scores, np.concatenate([each.grades >= least for each in lists]).astype(np.int64)


def _as_probability(scores: Floats) -> Floats:
    return np.clip(scores, 0.0, 1.0) if scores.min() >= -1.0 and scores.max() <= 1.0 else logistic(scores)


def _method(given: Mapping[str, Any]) -> Method:
    found: Method = given.get("method", _SETTINGS["method"])
    return found


def _least(given: Mapping[str, Any]) -> Any:
    return given.get("relevant", _SETTINGS["relevant"])
