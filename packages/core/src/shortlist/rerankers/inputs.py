"""What rerankers of this floor read besides texts: vectors, and the scores of the stage before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shortlist.algorithms.similarity import cosines, unit_rows
from shortlist.arrays import Floats, Matrix, Vector
from shortlist.errors import BadAnswer
from shortlist.models.base import Embedder
from shortlist.passage import Passage, stored_embeddings, texts
from shortlist.plan import Plan, together


class Prior(NamedTuple):
    """Scores of the stage before.

    Attributes:
        scores: higher is better, on any scale, shape (n,).
        repairs: what had to stand for scores that were missing.
    """

    scores: Floats
    repairs: tuple[str, ...]


def unit_vectors(query: str, passages: Sequence[Passage], embedder: Embedder, *, stored: bool) -> Plan[UnitVectors]:
    """The query's vector (d,) and the passages' (n, d), of unit length; `stored` takes those that passages carry.

    Raises:
        BadAnswer: they are not of one size.
    """
    own = stored_embeddings(passages) if stored else None
    wanted = [] if own is not None else texts(passages)
    queries, found = yield from together([embedder.embed([query], "query"), embedder.embed(wanted)])
    vectors = found if own is None else own
    if queries.shape[1] != vectors.shape[1]:
        raise BadAnswer(f"the query's vector has {queries.shape[1]} values, the passages' have {vectors.shape[1]}")
    return unit_rows(queries)[0], unit_rows(vectors)


UnitVectors = tuple[Vector, Matrix]


def passage_vectors(passages: Sequence[Passage], embedder: Embedder) -> Plan[Matrix]:
    """Those that the passages carry, if all carry one of the same size; else the embedder's."""
    own = stored_embeddings(passages)
    return own if own is not None else (yield from embedder.embed(texts(passages)))


def prior_scores(query: str, passages: Sequence[Passage], embedder: Embedder) -> Plan[Prior]:
    """The passages' scores; where one is missing, cosines to the query stand for all."""
    known = known_scores(passages)
    if known is not None:
        return known
    own, vectors = yield from unit_vectors(query, passages, embedder, stored=False)
    return prior_from(passages, cosines(own, vectors).astype(np.float64))


def known_scores(passages: Sequence[Passage]) -> Prior | None:
    """The passages' scores, or None when one is missing."""
    scores = [passage.score for passage in passages]
    return None if None in scores else Prior(np.array(scores, dtype=np.float64), ())


def best_first(passages: Sequence[Passage]) -> list[int]:
    """Their places by the scores that they have, ties as they came; as they came where one is missing."""
    known = known_scores(passages)
    if known is None:
        return list(range(len(passages)))
    order: list[int] = np.argsort(-known.scores, kind="stable").tolist()
    return order


def unscored(passages: Sequence[Passage], instead: str) -> tuple[str, ...]:
    """What to say where passages have no score: how many, and what is done instead."""
    missing = sum(passage.score is None for passage in passages)
    return (f"{missing} of {len(passages)} passages have no score: {instead}",) if missing else ()


def prior_from(passages: Sequence[Passage], similarities: Floats) -> Prior:
    """Cosines to the query in place of scores; noted when there were some."""
    missing = sum(passage.score is None for passage in passages)
    some = 0 < missing < len(passages)
    return Prior(similarities, (f"{missing} missing retriever scores: cosines stood for all",) if some else ())
