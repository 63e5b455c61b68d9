"""How much of what is needed is found for how many passages kept, and what one way of cutting saves over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats, Ints

LEVELS = (0.7, 0.8, 0.9, 0.95)
_DRAWS = 1000


class Depths(NamedTuple):
    """One setting of one way of cutting, list by list.

    Attributes:
        found: the share of what is needed that is kept, shape (lists,).
        kept: passages kept, shape (lists,).
    """

    found: Floats
    kept: Floats


def found_share(depths: Sequence[int], grades: Sequence[Ints]) -> Depths:
    """From the depth of each list and its grades, best first; above 0 is needed, and each list has such a one."""
    pairs = [(min(k, len(each)), each > 0) for k, each in zip(depths, grades, strict=True)]
    found = [float(each[:k].sum() / max(1, each.sum())) for k, each in pairs]
    return Depths(np.array(found), np.array([float(k) for k, _ in pairs]))


def kept_at(curve: Sequence[Depths], level: float, lists: Ints | None = None) -> float:
    """Passages that must be kept on the mean to find this share on the mean, between settings by a straight line.

    It is read from the settings that no other dominates: none finds as much with fewer. `lists` are the places of those
    that count, each as often as it is there; None is all, once. Not a number where no setting finds as much.
    """
    points = (
        np.array([[each.found[lists].mean(), each.kept[lists].mean()] for each in curve])
        if lists is not None
        else (np.array([[each.found.mean(), each.kept.mean()] for each in curve]))
    )
    points = points[np.lexsort((points[:, 1], -points[:, 0]))]  # the most found first
    best = points[points[:, 1] <= np.minimum.accumulate(points[:, 1])][::-1]
    best = np.vstack([[0.0, 0.0], best])
    return float(np.interp(level, best[:, 0], best[:, 1])) if level <= best[-1, 0] else float("nan")


def saved_by(
    curve: Sequence[Depths], other: Sequence[Depths], seed: int = 0, levels: Sequence[float] = LEVELS
) -> Mapping[str, Mapping[str, float]]:
    """At each share found: passages kept by both, the share of passages saved, and its 95 % interval.

    The interval is that of a paired bootstrap over the lists (Efron and Tibshirani, 1993; percentiles).
    """
    n = len(curve[0].kept)
    draws = np.random.default_rng(seed).integers(n, size=(_DRAWS, n))
    return {f"{level:g}": _saved(curve, other, level, draws) for level in levels}


def _saved(curve: Sequence[Depths], other: Sequence[Depths], level: float, draws: Ints) -> Mapping[str, float]:
    ours, theirs = kept_at(curve, level), kept_at(other, level)
    drawn = np.array([1.0 - kept_at(curve, level, draw) / kept_at(other, level, draw) for draw in draws])
    low, high = np.nanquantile(drawn, (0.025, 0.975)) if not np.isnan(drawn).all() else (np.nan, np.nan)
    values = {"kept": ours, "kept by a fixed depth": theirs, "saved": 1.0 - ours / theirs, "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in values.items() if np.isfinite(value)}
