"""What the conformal cut is calibrated with: sorted nonconformity of judged lists, by measure and what is needed.

All measures are kept, so that one file serves any coverage and any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shortlist.algorithms.conformal import (
    MEASURES,
    Measure,
    Needed,
    conformal_threshold,
    depth_within,
    list_value,
    nonconformity,
)
from shortlist.errors import InputError
from shortlist.training.scored import ScoredList

NEEDED: tuple[Needed, ...] = ("all", "any")
_ASKED = (0.8, 0.9, 0.95)
_DIGITS = 6


def check_conformal(given: Mapping[str, Any]) -> None:
    """A calibration has no settings.

    Raises:
        InputError: one is given.
    """
    if given:
        raise InputError(f"a conformal calibration has no setting {min(given)!r}")


def fit_conformal(lists: Sequence[ScoredList], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values for `ConformalCut`: how many lists, their sorted nonconformity, and what their scores look like.

    Lists of which nothing is wanted are left out: the guarantee is for queries that have something.

    Raises:
        InputError: a setting is given, or no list has something wanted.
    """
    check_conformal(given)
    useful = [each for each in lists if _wanted(each)]
    if not useful:
        raise InputError("no list has a relevant passage: there is nothing to calibrate on")
    found = {measure: {needed: _sorted(useful, measure, needed) for needed in NEEDED} for measure in MEASURES}
    return {"lists": len(useful), "values": found, "seen": _seen(useful)}


def measure_conformal(
    held: Sequence[tuple[Mapping[str, Any], Sequence[ScoredList]]], given: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """For each measure and coverage that may be asked: the coverage of held-out lists, and how many passages it kept.

    All that is wanted must be kept for a list to be covered.
    """
    check_conformal(given)
    return {f"{measure} at {asked}": _measured(held, measure, asked) for measure in MEASURES for asked in _ASKED}


def _measured(
    held: Sequence[tuple[Mapping[str, Any], Sequence[ScoredList]]], measure: Measure, asked: float
) -> dict[str, float]:
    covered, kept = [], []
    for fitted, lists in held:
        threshold = conformal_threshold(fitted["values"][measure]["all"], fitted["lists"], asked)
        for each in filter(_wanted, lists):
            values = nonconformity(each.scores, measure)
            k = depth_within(values, threshold)
            covered.append(not each.lost and not (each.grades[k:] > 0).any())
            kept.append(k)
    return {"coverage": float(np.mean(covered)), "kept": float(np.mean(kept))}


def _wanted(each: ScoredList) -> bool:
    return bool(each.lost) or bool((each.grades > 0).any())


def _sorted(lists: Sequence[ScoredList], measure: Measure, needed: Needed) -> list[float]:
    """The finite values, rounded up, so that rounding drops nothing that is wanted."""
    values = np.array([_value(each, measure, needed) for each in lists])
    finite = np.sort(values[np.isfinite(values)])
    rounded: list[float] = (np.ceil(finite * 10**_DIGITS) / 10**_DIGITS).tolist()
    return rounded


def _value(each: ScoredList, measure: Measure, needed: Needed) -> float:
    values = nonconformity(each.scores, measure) if each.passages else np.zeros(0)
    return list_value(values, each.grades, each.lost, needed)


def _seen(lists: Sequence[ScoredList]) -> dict[str, list[float]]:
    """The least and the largest first score, spread and length of the lists."""
    full = [each.scores for each in lists if each.passages]
    told = {"first score": [s[0] for s in full], "spread": [s.std() for s in full], "length": [len(s) for s in full]}
    return {name: [float(min(values)), float(max(values))] for name, values in told.items() if values}
