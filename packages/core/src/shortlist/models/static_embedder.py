"""The embedder that comes with the package: no download, NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shortlist.arrays import Vector
from shortlist.models.base import Embedder, Text
from shortlist.models.static_weights import StaticWeights, encode, load_static
from shortlist.plan import Call, Reply

_FOLDER = Path(__file__).parent / "static"
_BATCH = 1024


@dataclass(frozen=True)
class StaticEmbedder(Embedder):
    """Weighted means of token vectors, distilled from all-MiniLM-L6-v2 (`scripts/distil_static_embedder.py`).

    Made for machines and moments without a model: some 400 times as fast as its teacher, and weaker. By itself it
    ranks below BM25 on TREC DL 2019; blended with the retriever's scores it ranks above (docs/benchmarks.md has the
    figures). Good enough to tell near-duplicates, as MMR does; for relevance, prefer a transformer.
    """

    @property
    def fingerprint(self) -> str:
        """The name and the hash of the weights."""
        return f"static:{_weights().digest}"

    def warm_up(self) -> None:
        """Read the vectors."""
        _weights()

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """One unit vector a text; a text with no known token has a zero vector."""
        replies: list[Reply[Vector]] = []
        for start in range(0, len(payloads), _BATCH):
            call.batches += 1
            vectors, counts = encode(_weights(), [payload.text for payload in payloads[start : start + _BATCH]])
            rows = zip(vectors, counts.tolist(), strict=True)
            replies += [Reply(vector, count, flops=2.0 * count * len(vector)) for vector, count in rows]
        return replies


@cache
def _weights() -> StaticWeights:
    return load_static(_FOLDER)
