"""How likely passages answer texts: any pair scorer or embedder, all pairs in one round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, get_args

import numpy as np

from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Floats
from shortlist.errors import BadAnswer
from shortlist.models.base import Embedder, Pair, PairScorer
from shortlist.models.named import check_model
from shortlist.passage import Passage, texts
from shortlist.plan import Plan, ask, together
from shortlist.ranking import ScoreKind

AnyScorer: TypeAlias = PairScorer | Embedder


def check_scorer(value: object) -> None:
    """See that it is a pair scorer or an embedder.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, get_args(AnyScorer)):
        check_model(PairScorer, value)


def scored(asked: Sequence[str], passages: Sequence[Passage], scorer: AnyScorer) -> Plan[Floats]:
    """The chance that passage d answers text i, on [0, 1], shape (m, n).

    Raises:
        BadAnswer: an embedder's vectors of texts and passages are not of one size.
    """
    if not asked:
        return np.zeros((0, len(passages)))
    scores, kind = yield from raw_scores(asked, passages, scorer)
    return as_chances(scores, kind)


def raw_scores(asked: Sequence[str], passages: Sequence[Passage], scorer: AnyScorer) -> Plan[tuple[Floats, ScoreKind]]:
    """The same as the model has it, shape (m, n), and what kind of scores these are."""
    if isinstance(scorer, Embedder):
        return (yield from _cosines(asked, passages, scorer)), "cosine"
    pairs = [Pair(each, text) for each in asked for text in texts(passages)]
    scores = yield from ask(scorer, pairs)
    return np.array(scores, dtype=np.float64).reshape(len(asked), -1), scorer.score_kind


def as_chances(scores: Floats, kind: ScoreKind) -> Floats:
    """Scores as probabilities, shape (m, n), by what kind of scores they are.

    A logit goes through the logistic function; a probability stays, and a cosine counts as one, 0 where it is below 0.
    Scores of no known scale are put on [0, 1] from the least to the largest of all m lists together, so that lists stay
    comparable; where all are the same, they say nothing and are 0.
    """
    if kind == "logit":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)))
    if kind in ("probability", "cosine"):
        return np.clip(scores, 0.0, 1.0)
    largest = max(1.0, float(np.abs(scores).max(initial=0.0)))
    even = scores / largest
    spread = float(np.ptp(even)) if even.size else 0.0
    return (even - even.min()) / spread if spread > 0.0 else np.zeros(scores.shape)


def _cosines(asked: Sequence[str], passages: Sequence[Passage], embedder: Embedder) -> Plan[Floats]:
    own, found = yield from together([embedder.embed(asked, "query"), embedder.embed(texts(passages))])
    if own.shape[1] != found.shape[1]:
        raise BadAnswer(f"the vectors of texts have {own.shape[1]} values, those of passages have {found.shape[1]}")
    return np.asarray(unit_rows(own) @ unit_rows(found).T, dtype=np.float64)
