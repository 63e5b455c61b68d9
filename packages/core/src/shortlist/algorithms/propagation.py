"""Scores that flow along the edges of a graph: personalised PageRank, and score propagation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats, Ints

# Below this many nodes one dense system is solved sooner than the steps are taken (benchmarks/neighbourhood.py).
_DENSE = 300


class Walk(NamedTuple):
    """A random walk over undirected edges. A node without edges stays where it is.

    Its matrix W has rows that sum to 1: the edge's weight, divided by the total of the row's node.

    Attributes:
        sources: one end of each edge, shape (m,). Each edge is given once, and none from a node to itself.
        targets: the other end, shape (m,).
        weights: 0 or more, shape (m,).
        totals: of the weights of each node's edges, 1 where there are none, shape (n,).
        alone: whether there are none, shape (n,), 1 or 0.
    """

    sources: Ints
    targets: Ints
    weights: Floats
    totals: Floats
    alone: Floats


def walk(n: int, sources: Ints, targets: Ints, weights: Floats) -> Walk:
    """The random walk over n nodes."""
    totals = np.bincount(sources, weights, minlength=n) + np.bincount(targets, weights, minlength=n)
    alone = (totals <= 0.0).astype(np.float64)
    return Walk(sources, targets, weights, totals + alone, alone)


def propagated(steps: Walk, prior: Floats, alpha: float, tolerance: float = 1e-9) -> Floats:
    """Score propagation: s = (1 - alpha) prior + alpha W s, shape (n,).

    Diaz, Regularizing ad hoc retrieval scores, CIKM 2005; the iteration is that of Zhou et al., Learning with Local and
    Global Consistency, NIPS 2003, with rows that sum to 1 in place of the symmetric normalisation. So a score is never
    outside the range of the priors. `alpha` in [0, 1): 0 is the prior.
    """
    rest = (1.0 - alpha) * prior
    if len(prior) < _DENSE:
        return _solved(matrix(steps), rest, alpha)
    now, change = prior, np.inf
    while change > tolerance * max(1.0, np.abs(now).sum()):
        before, now = now, rest + alpha * _gathered(steps, now) / steps.totals
        change = np.abs(now - before).sum()
    return now


def pagerank(steps: Walk, prior: Floats, alpha: float = 0.85, tolerance: float = 1e-9) -> Floats:
    """Personalised PageRank: x = (1 - alpha) p + alpha W^T x, p the priors made to sum to 1; shape (n,), sums to 1.

    Haveliwala, Topic-Sensitive PageRank, WWW 2002. Priors are 0 or more; where all are 0 they count the
    same. `alpha` in [0, 1) is the damping factor: 0 is the prior.
    """
    start = shares(prior)
    rest = (1.0 - alpha) * start
    if len(prior) < _DENSE:
        return _solved(matrix(steps).T, rest, alpha)
    now, change = start, np.inf
    while change > tolerance:
        before, now = now, rest + alpha * _gathered(steps, now / steps.totals)
        change = np.abs(now - before).sum()
    return now


def shares(prior: Floats) -> Floats:
    """Priors made to sum to 1, shape (n,); where all are 0 they count the same."""
    total = prior.sum()
    return prior / total if total > 0.0 else np.full(len(prior), 1.0 / max(1, len(prior)))


def matrix(steps: Walk) -> Floats:
    """W, shape (n, n)."""
    full = np.diag(steps.alone)
    full[steps.sources, steps.targets] = steps.weights
    full[steps.targets, steps.sources] = steps.weights
    return np.asarray(full / steps.totals[:, None])


def _gathered(steps: Walk, values: Floats) -> Floats:
    """For each node the weighted sum of the values of its neighbours; its own where it has none."""
    sources, targets, weights, _, alone = steps
    n = len(values)
    there = np.bincount(sources, weights * values[targets], minlength=n)
    return np.asarray(there + np.bincount(targets, weights * values[sources], minlength=n) + alone * values)


def _solved(full: Floats, rest: Floats, alpha: float) -> Floats:
    return np.asarray(np.linalg.solve(np.eye(len(rest)) - alpha * full, rest), dtype=np.float64)
