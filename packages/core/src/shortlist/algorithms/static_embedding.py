"""Text embedding as a weighted sum of fixed token vectors: no network runs, so no context is read.

Source: Arora, Liang and Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings" (weighted means of word
vectors). The vectors themselves are distilled: see `scripts/distil_static_embedder.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def embed_bags(texts: Sequence[Sequence[int]], vectors: npt.NDArray[np.int8], scales: Floats) -> Floats:
    """One vector of length 1 for each text, the zero vector for a text with no tokens.

    A token that occurs c times counts 1 + ln c times, so that a word said again and again does not drown the others
    (Salton and Buckley 1988). A mean and a sum point the same way; the sum is taken.

    Args:
        texts: token ids of each text.
        vectors: one row per token, (vocabulary, d).
        scales: (vocabulary,) what a row is multiplied by: its quantisation step.

    Returns:
        (n, d); the dot product of two rows is their cosine.
    """
    sums = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    for i, tokens in enumerate(texts):
        counts = Counter(tokens)
        kinds = np.fromiter(counts.keys(), dtype=np.intp, count=len(counts))
        times = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        sums[i] = (scales[kinds] * (1 + np.log(times))) @ vectors[kinds].astype(np.float32)
    return _normalised(sums)


def _normalised(rows: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    unit: Floats = rows / lengths
    return unit
