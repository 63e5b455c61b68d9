"""Each passage judged alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench, ranked_by
from shortlist.reranker.strategy import Strategy


@dataclass(frozen=True)
class Pointwise(Strategy):
    """Judge each passage alone, all in one round; the scores are the model's own.

    Passages whose judgement is missing follow those that have one.

    Attributes:
        scorer: one that judges one passage: a cross-encoder, or a pointwise prompt.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted.
    """

    name = "pointwise"
    source = Source("Document Ranking with a Pretrained Sequence-to-Sequence Model", "Findings of EMNLP", 2020)
    prompt: ClassVar[str] = "yes-no"
    least: ClassVar[int] = 1

    depth: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scorer.window > 1:
            raise InputError(f"{self.name} needs a scorer that judges passages one by one")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """One window for each passage."""
        judged = yield from bench.judge([[i] for i in range(len(bench))])
        scores = [None if each is None else each.scores.get(i) for i, each in enumerate(judged)]
        return ranked_by(bench, scores, self.scorer.score_kind)
