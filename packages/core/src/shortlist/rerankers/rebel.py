"""REBEL: relevance is not all that makes a passage useful."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np

from shortlist.criteria.batches import consecutive, dealt
from shortlist.criteria.computed import ComputedCriterion, computed_table
from shortlist.criteria.inference import infer_request, read_criteria
from shortlist.criteria.judged import Criterion, key_of, paper_criteria
from shortlist.criteria.kinds import TAKEN, AnyCriterion, checked
from shortlist.criteria.paper import meta_request, one_turn_prompt, usable_prompt
from shortlist.criteria.protocol import Judgements, Protocol, Published
from shortlist.criteria.verdict import noted, sheet, verdict
from shortlist.errors import InputError
from shortlist.models.base import ChatModel, ChatReply, ChatRequest
from shortlist.models.named import check_model
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.reranker.fields import check_numbers

Mode = Literal["structured", "text", "paper"]

METADATA_KEYS = (
    "title", "author", "source", "url", "file_name", "date", "year", "published", "published_at", "publication_date",
    "created_at", "creation_date", "updated_at", "last_modified_date",
)  # fmt: skip
"""Shown by default: what says whence a passage is and how old, under the names that loaders usually give it."""


@dataclass(frozen=True)
class Rebel(Reranker):
    """A language model judges relevance and further criteria; a score is their weighted sum.

    Every passage gets a relevance from 0 to 10 and a number from 0 to 5 for each criterion, from the model or, for
    criteria that need none, from the passage itself. The score is `relevance + Σ weight · criterion`, computed in code,
    decimals and all. A criterion that is not known of a passage counts as the mean of the others. Passages below the
    threshold of relevance are dropped, with that reason. All numbers stand in the reasons.

    Batches are asked at the same time, each with the same few anchor passages first. What a batch gives the anchors
    above or below the mean of all batches is taken off all its numbers (`batch shift` in the reasons), before the
    threshold is applied: an offset by least squares, no scale, and less of it the noisier the anchors are. A batch that
    fails leaves its passages unscored: they stand in their order after the others, and the ranking is marked. When all
    fail, the first error is raised.

    Modes: `structured` asks for JSON, with a schema where the model takes one; `text` for lines with the same numbers;
    either reads what comes. `paper` is the published protocol: the model sums up, discards and sorts by itself, and
    what it prints is the final score. There, batches are consecutive and without anchors, as published.

    Attributes:
        model: what judges.
        criteria: beside relevance: `Criterion` for the model to judge, `Recency`, `Authority`, `Length` and `Computed`
            without it.
        turns: 1 for these criteria; 2 to have the model infer others from the query first, in place of each `Criterion`
            here, which come back when that fails.
        mode: how answers are asked for.
        threshold: of relevance; None drops nothing.
        below: what becomes of passages below it: dropped, or kept last.
        batch_size: passages in a prompt, anchors included.
        anchors: passages that all batches share; 0 for none. One alone tells no noise from offset.
        metadata_keys: of the metadata that the model is shown with each passage.
        words: of a passage that the model is shown; None for all.
        depth: how many candidates are judged at most; those after them are kept unscored. None judges all.
        max_tokens: that an answer may have; None for what its form needs. A model that thinks needs more.
    """

    name = "rebel"
    source = Source(
        "Relevance Isn't All You Need: Scaling RAG Systems With Inference-Time Compute Via Multi-Criteria Reranking",
        "arXiv 2504.07104",
        2025,
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"chat"})
    order_sensitive = True

    model: ChatModel
    criteria: tuple[AnyCriterion, ...] = field(default_factory=paper_criteria)
    turns: Literal[1, 2] = 1
    mode: Mode = "structured"
    threshold: float | None = 3.0
    below: Literal["drop", "last"] = "drop"
    batch_size: int = 10
    anchors: int = 2
    metadata_keys: tuple[str, ...] = METADATA_KEYS
    words: int | None = 400
    depth: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        check_model(ChatModel, self.model)
        check_numbers(self)
        keys: object = self.metadata_keys
        if isinstance(keys, str):
            raise InputError(f"metadata_keys is a list of names, not the text {keys!r}")
        object.__setattr__(self, "criteria", checked(self.criteria))
        object.__setattr__(self, "metadata_keys", tuple(self.metadata_keys))
        if self.mode not in get_args(Mode) or self.turns not in (1, 2) or self.below not in ("drop", "last"):
            raise InputError(f"no such mode, turns or below: {self.mode!r}, {self.turns!r}, {self.below!r}")
        if self.threshold is not None and not 0 <= self.threshold <= 10:
            raise InputError(f"threshold must be from 0 to 10, not {self.threshold}")
        if not 0 <= self.anchors < self.batch_size:
            raise InputError(f"anchors must be at least 0 and below batch_size, not {self.anchors}")
        for limit in (self.words, self.depth, self.max_tokens):
            if limit is not None and limit <= 0:
                raise InputError(f"words, depth and max_tokens must be above 0, not {limit}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One round of batches; in two turns, one before it for the criteria."""
        own = tuple(each for each in self.criteria if isinstance(each, ComputedCriterion))
        computed = computed_table(own, passages)  # first, so that a function that fails has cost nothing
        protocol, ranking_notes, trouble = yield from self._protocol(query)
        batches, anchors = self._batches(len(passages))
        asked = [protocol.request(query, [passages[i] for i in batch]) for batch in batches]
        replies = yield from self.model.votes(asked)
        answers = [
            reply if isinstance(reply, Missing) else protocol.read(reply, len(batch))
            for reply, batch in zip(replies, batches, strict=True)
        ]
        names = (*protocol.names, *(each.name for each in own))
        weights = np.array([*protocol.weights, *(each.weight for each in own)])
        known = sheet(names, weights, batches, answers, anchors, computed)
        threshold = None if self.mode == "paper" else self.threshold  # there, the model has applied it
        ranking = verdict(passages, known, threshold, keep=self.below == "last")
        return noted(ranking, answers).noting(*ranking_notes, degraded=trouble)

    def _batches(self, n: int) -> tuple[list[list[int]], int]:
        """Places of the passages in each prompt, and how many of the first are shared."""
        n = min(n, self.depth or n)
        if self.mode == "paper":
            return consecutive(n, self.batch_size), 0
        batches = dealt(n, self.batch_size, self.anchors)
        return batches, self.anchors if len(batches) > 1 else 0

    def _protocol(self, query: str) -> Plan[tuple[Protocol, tuple[str, ...], str | None]]:
        """How to ask, with criteria inferred where wanted; what had to be mended, and whether inference failed."""
        if self.turns == 1:
            return self._fixed(), (), None
        reply = yield from self._inferred(query)
        if isinstance(reply, Missing):
            return self._fixed(), (), f"criteria could not be inferred: {reply.error}"
        if self.mode == "paper":
            prompt, notes = usable_prompt(reply)
            return (self._fixed() if prompt is None else self._published(prompt)), notes, None
        taken = TAKEN.union(key_of(each.name) for each in self.criteria if not isinstance(each, Criterion))
        criteria, notes = read_criteria(reply, taken)
        if not criteria:
            return self._fixed(), (*notes, "no criteria could be inferred: the fixed ones were used"), None
        return self._judgements(criteria), notes, None

    def _inferred(self, query: str) -> Plan[ChatReply | Missing]:
        (reply,) = yield from self.model.votes([self._inference(query)])
        return reply

    def _inference(self, query: str) -> ChatRequest:
        if self.mode == "paper":
            return meta_request(query, self.threshold or 0.0, self.max_tokens)
        return infer_request(query, self.max_tokens, structured=self.mode == "structured")

    def _fixed(self) -> Protocol:
        judged = tuple(each for each in self.criteria if isinstance(each, Criterion))
        if self.mode == "paper":
            return self._published(one_turn_prompt(judged, self.threshold or 0.0))
        return self._judgements(judged)

    def _published(self, prompt: str) -> Protocol:
        return Published(self.metadata_keys, self.words, self.max_tokens, prompt)

    def _judgements(self, criteria: tuple[Criterion, ...]) -> Protocol:
        structured = self.mode == "structured"
        return Judgements(self.metadata_keys, self.words, self.max_tokens, criteria, structured)
