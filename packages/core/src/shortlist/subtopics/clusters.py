"""Subtopics as groups of passages whose vectors point the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shortlist.algorithms.clusters import Partition, clusters, natural_clusters
from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Floats, Matrix
from shortlist.errors import InputError, checked_count
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage, stored_embeddings, texts
from shortlist.plan import Plan
from shortlist.subtopics.aspects import Aspects, best_first


@dataclass(frozen=True)
class Clusters:
    """Each cluster of the passages' vectors is a subtopic; it is named by its most relevant passage.

    A passage answers its own subtopic with the chance of its relevance, and no other: a cluster far from the query then
    counts little, whatever its size.

    Attributes:
        count: how many; None lets the vectors say, between 2 and `most`.
        most: see there.
        embedder: asked where passages do not all carry vectors of one size.
        seed: another seed, other starting points.
    """

    kind: ClassVar[str] = "clusters"

    count: int | None = None
    most: int = 8
    embedder: Embedder = field(default_factory=StaticEmbedder)
    seed: int = 0

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        checked_count(self.most, "most")
        if self.count is not None:
            checked_count(self.count, "count")
        if type(self.seed) is not int or self.seed < 0:
            raise InputError(f"seed must be a whole number from 0, not {self.seed!r}")

    def find(self, query: str, passages: Sequence[Passage], relevance: Floats) -> Plan[Aspects]:
        """One round where passages carry no vectors, else none."""
        own = stored_embeddings(passages)
        vectors = unit_rows(own if own is not None else (yield from self.embedder.embed(texts(passages))))
        labels = self._partition(vectors).labels
        chances = (labels == np.arange(labels.max() + 1)[:, None]) * relevance
        return best_first([_name(passages[i]) for i in chances.argmax(axis=1).tolist()], chances)

    def _partition(self, vectors: Matrix) -> Partition:
        if self.count is None:
            return natural_clusters(vectors, self.most, self.seed)
        return clusters(vectors, self.count, self.seed)


_WORDS = 8


def _name(passage: Passage) -> str:
    """The first words of a text."""
    words = passage.text[:200].split()
    return " ".join(words[:_WORDS]) + ("…" if len(words) > _WORDS else "")
