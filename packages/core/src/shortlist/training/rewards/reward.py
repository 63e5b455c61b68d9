"""DynamicRAG's reward (arXiv 2505.07233), its terms mended: r = sum of w_i t_i, each t_i from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from shortlist.algorithms.similarity import unit_rows
from shortlist.errors import InputError
from shortlist.models.base import ChatModel, ChatReply, Embedder
from shortlist.models.named import check_model
from shortlist.plan import Missing, Plan, together
from shortlist.training.rewards.judge import judge_request, read_judge
from shortlist.training.rewards.length import inverse_length, linear_length
from shortlist.training.rewards.matching import exact_match
from shortlist.training.rewards.rouge import rouge_l


class Answered(NamedTuple):
    """What was answered with a list of passages.

    Attributes:
        text: the answer.
        k: how many passages the list has.
    """

    text: str
    k: int


class Weights(NamedTuple):
    """What each term counts; a fifth each in the paper, which finds little difference."""

    exact: float = 0.2
    similarity: float = 0.2
    rouge: float = 0.2
    length: float = 0.2
    judge: float = 0.2


_USUAL = Weights()


class Terms(NamedTuple):
    """The parts of a reward, each from 0 to 1; None where it is not known.

    Attributes:
        exact: whether a gold answer stands in the answer.
        similarity: cosine to the nearest gold answer, by an embedder; below 0 read as 0. It stands for BERTScore, which
            compares the vectors of tokens in their context.
        rouge: ROUGE-L to the nearest gold answer.
        length: what a short list is worth.
        judge: what a language model says.
    """

    exact: float | None
    similarity: float | None
    rouge: float | None
    length: float | None
    judge: float | None

    @property
    def known(self) -> frozenset[str]:
        """The names of the terms that are there: rewards of other terms cannot be compared."""
        return frozenset(name for name, value in self._asdict().items() if value is not None)


class Rewarded(NamedTuple):
    """A reward.

    Attributes:
        value: from 0 to 1; None where no term that counts is known.
        terms: what it is made of.
    """

    value: float | None
    terms: Terms


@dataclass(frozen=True)
class Reward:
    """What an answer is worth, and the list of passages that it was made with.

    A term that is not known (no embedder, no judge, a judge that failed or whose reply has no number, no gold answers)
    is left out, and the weights of the others are made to sum to 1: it does not count as 0.

    Attributes:
        embedder: compares answers; None leaves `similarity` out.
        judge: None leaves `judge` out.
        weights: of the terms.
        longest: passages from which on a list's length is worth nothing, each costing the same; None for 1 / (1 + k).

    Raises:
        InputError: a weight that is negative or not finite, only zeros, or another kind of model.
    """

    embedder: Embedder | None = None
    judge: ChatModel | None = None
    weights: Weights = _USUAL
    longest: int | None = None

    def __post_init__(self) -> None:
        for kind, model in ((Embedder, self.embedder), (ChatModel, self.judge)):
            if model is not None:
                check_model(kind, model)
        if not all(math.isfinite(w) and w >= 0 for w in self.weights) or sum(self.weights) <= 0:
            raise InputError(f"weights are numbers from 0, one above: not {tuple(self.weights)}")
        if self.longest is not None and self.longest < 1:
            raise InputError("longest must be 1 or more")

    def plan(self, query: str, answers: Sequence[Answered], golds: Sequence[str]) -> Plan[list[Rewarded]]:
        """One reward an answer, asked in one round. Without gold answers, length and judge are what there is."""
        texts = [answer.text for answer in answers]
        plans = [self._similarities(texts, golds), self._judged(query, texts, golds)]
        alike, judged = yield from together(plans)
        terms = [
            Terms(
                exact_match(answer.text, golds) if golds else None,
                similarity,
                rouge_l(answer.text, golds) if golds else None,
                self._length(answer.k),
                said,
            )
            for answer, similarity, said in zip(answers, alike, judged, strict=True)
        ]
        return [Rewarded(weighted(each, self.weights), each) for each in terms]

    def _length(self, k: int) -> float:
        return inverse_length(k) if self.longest is None else linear_length(k, self.longest)

    def _similarities(self, texts: Sequence[str], golds: Sequence[str]) -> Plan[list[float | None]]:
        if self.embedder is None or not golds:
            return [None] * len(texts)
        said = [text for text in texts if text.strip()]
        if not said:
            return [0.0] * len(texts)
        vectors = unit_rows((yield from self.embedder.embed([*said, *golds])))
        nearest = iter(np.clip((vectors[: len(said)] @ vectors[len(said) :].T).max(axis=1), 0.0, 1.0).tolist())
        return [next(nearest) if text.strip() else 0.0 for text in texts]

    def _judged(self, query: str, texts: Sequence[str], golds: Sequence[str]) -> Plan[list[float | None]]:
        """An empty answer is worth 0 to any judge, who is not asked."""
        if self.judge is None:
            return [None] * len(texts)
        requests = [judge_request(query, text, golds) for text in texts if text.strip()]
        replies = iter((yield from self.judge.votes(requests)) if requests else ())
        return [_said(next(replies)) if text.strip() else 0.0 for text in texts]


def _said(reply: ChatReply | Missing) -> float | None:
    return None if isinstance(reply, Missing) else read_judge(reply)


def weighted(terms: Terms, weights: Weights) -> float | None:
    """The mean of the known terms by their weights; None where none of them counts."""
    known = [(weight, term) for weight, term in zip(weights, terms, strict=True) if term is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * term for weight, term in known) / total if total > 0 else None
