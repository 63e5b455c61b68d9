"""Any function as a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shortlist.arrays import Vector
from shortlist.errors import BadAnswer
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Embedder, Pair, PairScorer, Role, Text
from shortlist.plan import Call, Reply
from shortlist.ranking import ScoreKind


@dataclass(frozen=True)
class FunctionEmbedder(Embedder):
    """A function from texts (and the role they play) to vectors.

    Attributes:
        function: takes a list of texts and the role, `query` or `passage`; returns an array of shape (n, d).
        name: stands for the function in a cache, so give another function another; None keeps it out of one on disk.
        concurrency: how many calls may run at the same time.
    """

    function: Callable[[list[str], Role], ArrayLike]
    name: str | None = None
    concurrency: int = 1

    @property
    def fingerprint(self) -> str | None:
        """The name, if there is one."""
        return None if self.name is None else f"function-embedder:{self.name}"

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """One call for each role among the texts."""
        found: dict[Text, Reply[Vector]] = {}
        for role in sorted({payload.role for payload in payloads}):
            batch = [payload for payload in payloads if payload.role == role]
            call.batches += 1
            vectors = np.asarray(self.function([payload.text for payload in batch], role), dtype=np.float32)
            if len(vectors) != len(batch):
                raise BadAnswer(f"the function gave {len(vectors)} vectors for {len(batch)} texts")
            found.update(zip(batch, map(Reply, vectors), strict=True))
        return [found[payload] for payload in payloads if payload in found]


@dataclass(frozen=True)
class FunctionScorer(PairScorer):
    """A function from pairs of query and text to scores.

    Attributes:
        function: takes a list of (query, text); returns one score each, higher is better.
        name: stands for the function in a cache, so give another function another; None keeps it out of one on disk.
        kind_of_score: what the scores are.
        concurrency: how many calls may run at the same time.
    """

    function: Callable[[list[tuple[str, str]]], ArrayLike]
    name: str | None = None
    kind_of_score: ScoreKind = "utility"
    concurrency: int = 1

    @property
    def fingerprint(self) -> str | None:
        """The name, if there is one."""
        return None if self.name is None else f"function-scorer:{self.name}"

    @property
    def score_kind(self) -> ScoreKind:
        """As declared."""
        return self.kind_of_score

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        """One call for all pairs."""
        call.batches += 1
        scores = np.asarray(self.function([(pair.query, pair.text) for pair in payloads]), dtype=np.float64)
        return [Reply(score) for score in scores.reshape(-1).tolist()]


@dataclass(frozen=True)
class FunctionChat(ChatModel):
    """A function from a prompt to text.

    Attributes:
        function: takes a request; returns the text, or a `ChatReply`.
        name: stands for the function in a cache, so give another function another; None keeps it out of one on disk.
        concurrency: how many calls may run at the same time.
    """

    function: Callable[[ChatRequest], str | ChatReply]
    name: str | None = None
    concurrency: int = 8
    remote = True

    @property
    def fingerprint(self) -> str | None:
        """The name, if there is one."""
        return None if self.name is None else f"function-chat:{self.name}"

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One call for each prompt."""
        call.batches += len(payloads)
        written = [self.function(payload) for payload in payloads]
        return [Reply(each if isinstance(each, ChatReply) else ChatReply(each), money=None) for each in written]
