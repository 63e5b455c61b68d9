"""What the tests of selections by aspects share: random input, and what becomes of places that no aspect fills."""

import numpy as np


def made(n, m, seed, *, sparse=False):
    """Relevance, the chances of aspects, and their weights."""
    rng = np.random.default_rng(seed)
    chances = rng.random((m, n)) * (rng.random((m, n)) < (0.3 if sparse else 1.0))
    return rng.random(n), chances, rng.random(m)


def filled(picked, gains, relevance, k):
    """The picks and the most relevant of the others, up to k; the gains, the last one's again; how many were filled."""
    n = len(relevance)
    rest = sorted((d for d in range(n) if d not in picked), key=lambda d: -relevance[d])[: min(k, n) - len(picked)]
    last = gains[-1] if gains else 0.0
    return picked + rest, gains + [last] * len(rest), len(rest)
