"""How good one ranked list is. Each takes scores and grades of the same passages, shape (n,); above 0 is relevant.

Equal scores stand in the order given, except in the two measures that G-RAG (arXiv 2405.18414) has for ties. Their
formulas were taken from notes on the paper, not from its text.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.arrays import Ints

Values: TypeAlias = NDArray[np.floating[Any]]
Grades: TypeAlias = NDArray[np.number[Any]] | NDArray[np.bool_]
Gain: TypeAlias = Literal["linear", "exponential"]


def ndcg_at(scores: Values, grades: Grades, k: int, gain: Gain = "linear") -> float:
    """Discounted cumulative gain of the first k, over that of the best order; 0 when nothing is relevant.

    A passage's gain is its grade, as in trec_eval (Järvelin and Kekäläinen, 2002), or 2^grade - 1 when `exponential`
    (Burges et al., 2005). Its discount is 1 / log2(1 + rank).
    """
    grade = np.maximum(np.asarray(grades, dtype=np.float64), 0.0)
    gains = np.exp2(grade) - 1.0 if gain == "exponential" else grade
    discounts = 1.0 / np.log2(np.arange(2, min(k, len(gains)) + 2))
    best = np.sort(gains)[::-1][: len(discounts)] @ discounts
    return float(gains[_order(scores)][: len(discounts)] @ discounts / best) if best > 0.0 else 0.0


def recall_at(scores: Values, grades: Grades, k: int) -> float:
    """The share of the relevant ones that is among the first k; 0 when nothing is relevant."""
    relevant = _relevant(grades)
    return float(relevant[_order(scores)][:k].sum() / max(1, relevant.sum()))


def all_at(scores: Values, grades: Grades, k: int) -> bool:
    """Whether all relevant ones are among the first k; not when nothing is relevant."""
    return recall_at(scores, grades, k) == 1.0


def mean_tied_reciprocal_rank(scores: Values, grades: Grades) -> float:
    """G-RAG's MTRR of one list: the mean over its relevant ones of 2 / (2r + t - 1); 0 when nothing is relevant.

    A passage ties with t - 1 others, and r - 1 stand above them: its expected rank is r + (t - 1) / 2 when ties are
    broken at random, and this is one over that. The expected reciprocal rank is another thing, and larger wherever
    there is a tie: of two that share the first rank, 3/4 and not 2/3. Without ties it is the mean of 1 / rank, over all
    relevant passages and not only the first.
    """
    above, tied, relevant = _ranks(scores, grades)
    return _mean(2.0 / (2.0 * (above + 1) + tied - 1.0), relevant)


def tied_hits_at(scores: Values, grades: Grades, k: int) -> float:
    """G-RAG's TMHits@k of one list: what share of its relevant ones is expected among the first k.

    With r and t as in `mean_tied_reciprocal_rank`: 1 where r + t - 1 <= k, 0 where r > k, else (k - r + 1) / t, the
    chance of being drawn into the places that are left.
    """
    above, tied, relevant = _ranks(scores, grades)
    return _mean(np.clip((k - above) / tied, 0.0, 1.0), relevant)


def _order(scores: Values) -> Ints:
    return np.argsort(-np.asarray(scores), kind="stable")


def _ranks(scores: Values, grades: Grades) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """For each passage how many scores are above its own, and how many equal it, itself among them."""
    _, inverse, counts = np.unique(-np.asarray(scores), return_inverse=True, return_counts=True)
    above = np.cumsum(counts) - counts
    return above[inverse], counts[inverse], _relevant(grades)


def _relevant(grades: Grades) -> NDArray[np.bool_]:
    return np.asarray(grades, dtype=np.float64) > 0.0


def _mean(values: Values, chosen: NDArray[np.bool_]) -> float:
    return float(values[chosen].mean()) if chosen.any() else 0.0
