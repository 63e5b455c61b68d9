"""Our cross-encoders as the peers' are measured: a query and texts in, logits in the order of the texts out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from peers import Logits, Score
from shortlist import CrossEncoder, PairScorer


def ours(scorer: PairScorer) -> Score:
    """`rank`, from strings to a ranking."""
    reranker = CrossEncoder(scorer)

    def score(query: str, texts: Sequence[str]) -> Logits:
        logits = np.empty(len(texts))
        for item in reranker.rank(query, texts).kept:
            logits[item.index] = item.score
        return logits

    return score
