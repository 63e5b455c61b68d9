"""How many aspects of a query one ranked list covers, and how early: the measures of the TREC Web tracks' ndeval.

Each takes scores of shape (n,) and judgments of shape (n, m): above 0 where passage i answers aspect j. Equal scores
stand in the order given. An aspect that nobody answers does not count. All are 0 when nothing is relevant.

The list may hold a part of what was judged, or passages that nobody judged (rows of zeros). What else was judged stands
in `judged`, shape (p, m): all passages with a judgment, those of the list among them. Without it, the list is all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shortlist.algorithms.measures import Grades, Values
from shortlist.arrays import Floats


def alpha_ndcg_at(
    scores: Values, answers: Grades, k: int, judged: Grades | None = None, *, alpha: float = 0.5
) -> float:
    """Discounted gain of the first k over that of a good order of all: Clarke et al., SIGIR 2008, equations 3 to 6.

    An aspect that r passages above have answered is worth (1 - alpha)^r; the discount is 1 / log2(1 + rank). The best
    order is NP-hard to find; as in ndeval it is picked greedily, the earlier row first where gains are equal. (ndeval
    takes the last by name: sort the rows of `judged` so for its very numbers.)
    """
    found, pool = _relevant(scores, answers, judged)
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    best = _picked_gains(pool, k, alpha)
    gains = _gains(found, alpha)[:k]
    ideal = float(best @ discounts[: len(best)])
    return float(gains @ discounts[: len(gains)]) / ideal if ideal > 0.0 else 0.0


def err_ia_at(scores: Values, answers: Grades, k: int, judged: Grades | None = None, *, alpha: float = 0.5) -> float:
    """Expected reciprocal rank over aspects: Chapelle et al., CIKM 2009, for judgments of yes or no, as in ndeval.

    The gains are those of `alpha_ndcg_at`, each over its rank. They are divided by what k passages would gain that each
    answer every aspect, so that 1 is out of reach only where no such passages are. (ndeval leaves rank 1 undivided; it
    prints 5, 10 and 20.)
    """
    found, pool = _relevant(scores, answers, judged)
    ranks = np.arange(1, k + 1)
    gains = _gains(found, alpha)[:k]
    most = float(pool.shape[1] * ((1.0 - alpha) ** (ranks - 1) / ranks).sum())
    return float((gains / ranks[: len(gains)]).sum()) / most if most > 0.0 else 0.0


def nrbp(
    scores: Values, answers: Grades, judged: Grades | None = None, *, alpha: float = 0.5, beta: float = 0.5
) -> float:
    """Novelty- and rank-biased precision of the whole list: Clarke et al., ICTIR 2009, equation 14.

    The gains are those of `alpha_ndcg_at`; a reader goes on from each passage to the next with chance beta. Divided by
    what a list without end would gain whose passages answer every aspect.
    """
    found, pool = _relevant(scores, answers, judged)
    gains = _gains(found, alpha)
    total = float(gains @ beta ** np.arange(len(gains), dtype=np.float64))
    return total * (1.0 - (1.0 - alpha) * beta) / pool.shape[1] if pool.shape[1] else 0.0


def subtopic_recall_at(scores: Values, answers: Grades, k: int, judged: Grades | None = None) -> float:
    """The share of the aspects that the first k answer: S-recall of Zhai et al., SIGIR 2003."""
    found, pool = _relevant(scores, answers, judged)
    return float(found[:k].any(axis=0).mean()) if pool.shape[1] else 0.0


def _relevant(scores: Values, answers: Grades, judged: Grades | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who answers what: of the list in its order, and of all; the columns are the aspects that anybody answers."""
    own = np.asarray(answers, dtype=np.float64) > 0.0
    pool = own if judged is None else np.asarray(judged, dtype=np.float64) > 0.0
    if own.ndim != 2 or pool.ndim != 2 or own.shape != (len(scores), pool.shape[1]):
        raise ValueError(f"{len(scores)} scores, answers of shape {own.shape}, judged ones of shape {pool.shape}")
    counted = pool.any(axis=0) if len(pool) else np.zeros(pool.shape[1], dtype=bool)
    order = np.argsort(-np.asarray(scores), kind="stable")
    return own[order][:, counted], pool[:, counted]


def _gains(found: NDArray[np.bool_], alpha: float) -> Floats:
    """What each passage adds to those above it, shape (n,)."""
    above: Floats = np.cumsum(found, axis=0, dtype=np.float64) - found
    return np.asarray((found * (1.0 - alpha) ** above).sum(axis=1))


def _picked_gains(pool: NDArray[np.bool_], k: int, alpha: float) -> Floats:
    """The gains of the first k when each is the one that gains most after those before, shape (min(k, p),)."""
    worth, left = np.ones(pool.shape[1]), pool.astype(np.float64)
    gains = np.zeros(min(k, len(pool)))
    for rank in range(len(gains)):
        each = left @ worth
        pick = int(each.argmax())
        gains[rank] = each[pick]
        worth = np.where(pool[pick], worth * (1.0 - alpha), worth)
        left[pick] = 0.0  # gains nothing more; a row that is picked twice adds nothing, as its gain is 0
    return gains
