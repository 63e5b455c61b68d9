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


def kept_at(curve: Sequence[Depths], level: float) -> float:
    """Passages that must be kept on the mean to find this share on the mean, between settings by a straight line.

    It is read from the settings that no other dominates: none finds as much with fewer. Not a number where no setting
    finds as much.
    """
    found, kept = _means(curve, np.ones((len(curve[0].kept), 1)))
    return float(_read(found[:, 0], kept[:, 0], [level])[0])


def saved_by(
    curve: Sequence[Depths], other: Sequence[Depths], seed: int = 0, levels: Sequence[float] = LEVELS
) -> Mapping[str, Mapping[str, float]]:
    """At each share found: passages kept by both, the share of passages saved, and its 95 % interval.

    The interval is that of a paired bootstrap over the lists (Efron and Tibshirani, 1993; percentiles).
    """
    n = len(curve[0].kept)
    draws = np.random.default_rng(seed).integers(n, size=(_DRAWS, n))
    times = np.stack([np.ones(n), *(np.bincount(draw, minlength=n) for draw in draws)], axis=1)
    ours, theirs = (_all_kept(each, times, levels) for each in (curve, other))
    return {f"{level:g}": _saved(ours[i], theirs[i]) for i, level in enumerate(levels)}


def _saved(ours: Floats, theirs: Floats) -> Mapping[str, float]:
    """The first is of all lists once, the others are drawn."""
    saved = 1.0 - ours / theirs
    low, high = (np.nan, np.nan) if np.isnan(saved[1:]).all() else np.nanquantile(saved[1:], (0.025, 0.975))
    values = {"kept": ours[0], "kept by a fixed depth": theirs[0], "saved": saved[0], "low": low, "high": high}
    return {name: round(float(value), 4) for name, value in values.items() if np.isfinite(value)}


def _all_kept(curve: Sequence[Depths], times: Floats, levels: Sequence[float]) -> Floats:
    """What `kept_at` gives for each level and each column of `times`, shape (levels, columns)."""
    found, kept = _means(curve, times)
    return np.stack([_read(*each, levels) for each in zip(found.T, kept.T, strict=True)], axis=1)


def _means(curve: Sequence[Depths], times: Floats) -> tuple[Floats, Floats]:
    """Means of found and kept with each list counted so many times, (lists, columns) to (settings, columns)."""
    shares = times / times.sum(axis=0)
    return np.stack([each.found for each in curve]) @ shares, np.stack([each.kept for each in curve]) @ shares


def _read(found: Floats, kept: Floats, levels: Sequence[float]) -> Floats:
    order = np.lexsort((kept, -found))  # the most found first
    found, kept = found[order], kept[order]
    best = kept <= np.minimum.accumulate(kept)
    found, kept = np.append(0.0, found[best][::-1]), np.append(0.0, kept[best][::-1])
    # Means of shares that are 1 each may fall short of it by rounding.
    return np.array([np.interp(each, found, kept) if each <= found[-1] + 1e-9 else np.nan for each in levels])
