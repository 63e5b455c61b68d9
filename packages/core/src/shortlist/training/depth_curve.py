"""How much of what is needed is found for how many passages kept, and what one way of cutting saves over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from shortlist.algorithms.resampled import figure_interval
from shortlist.arrays import Floats, Ints

LEVELS = (0.7, 0.8, 0.9, 0.95)


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


def kept_at(curve: Sequence[Depths], level: float) -> float:
    """Passages that must be kept on the mean to find this share on the mean, between settings by a straight line.

    It is read from the settings that no other dominates: none finds as much with fewer. Not a number where no setting
    finds as much.
    """
    return _kept(_rows(curve), level)


def saved_by(
    curve: Sequence[Depths], other: Sequence[Depths], seed: int = 0, levels: Sequence[float] = LEVELS
) -> Mapping[str, Mapping[str, float]]:
    """At each share found: passages kept by both, the share of passages saved, and its 95 % interval.

    The interval is that of a paired bootstrap over the lists (Efron and Tibshirani, 1993; percentiles).
    """
    ours, theirs = _rows(curve), _rows(other)
    both = np.concatenate([ours, theirs], axis=1)

    def saved(rows: Floats, level: float) -> float:
        return 1.0 - _kept(rows[:, : ours.shape[1]], level) / _kept(rows[:, ours.shape[1] :], level)

    told = {}
    for level in levels:
        low, high = figure_interval(partial(saved, level=level), both, seed=seed)
        values = {"kept": _kept(ours, level), "kept by a fixed depth": _kept(theirs, level)}
        values |= {"saved": saved(both, level), "low": low, "high": high}
        told[f"{level:g}"] = {name: round(float(value), 4) for name, value in values.items() if np.isfinite(value)}
    return told


def _rows(curve: Sequence[Depths]) -> Floats:
    """What is found and kept at each setting, shape (lists, settings x 2)."""
    return np.stack([column for each in curve for column in each], axis=1)


def _kept(rows: Floats, level: float) -> float:
    """What `kept_at` gives, read off the means."""
    found, kept = rows.mean(axis=0).reshape(-1, 2).T
    order = np.lexsort((kept, -found))  # the most found first
    found, kept = found[order], kept[order]
    best = kept <= np.minimum.accumulate(kept)
    found, kept = np.append(0.0, found[best][::-1]), np.append(0.0, kept[best][::-1])
    # Means of shares that are 1 each may fall short of it by rounding.
    return float(np.interp(level, found, kept)) if level <= found[-1] + 1e-9 else np.nan
