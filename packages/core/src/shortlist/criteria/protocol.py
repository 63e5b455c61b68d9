"""The three ways of asking: JSON, lines, and the published one, in which the model adds up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.algorithms.criteria import TOP
from shortlist.arrays import Floats
from shortlist.criteria.judged import Criterion, key_of
from shortlist.criteria.reading import Scores, named, read_scores
from shortlist.criteria.rendering import answer_form, answer_schema, documents, query_text, rubric, template
from shortlist.models.base import ChatReply, ChatRequest, Message
from shortlist.passage import Passage
from shortlist.prompts.grammar import parse
from shortlist.prompts.render import filled

# What an answer takes: a line's frame, and a number with the key that it stands under.
_TOKENS_A_LINE, _TOKENS_A_NUMBER, _TOKENS_AT_LEAST = 16, 8, 128
_CHARACTERS_A_TOKEN = 3  # of keys, which are words joined by underscores


@dataclass(frozen=True)
class Protocol(ABC):
    """How a batch of passages is asked about, and what an answer says.

    Attributes:
        keys: of the metadata that is shown with a passage.
        words: of a passage that are shown; None for all.
        max_tokens: that an answer may have; None for what its form needs.
    """

    keys: tuple[str, ...]
    words: int | None
    max_tokens: int | None

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What reasons call the numbers of a passage; the first is the one that it cannot lack."""

    @property
    @abstractmethod
    def weights(self) -> Floats:
        """What a point of each of them counts."""

    @abstractmethod
    def request(self, query: str, passages: Sequence[Passage]) -> ChatRequest:
        """The prompt for a batch."""

    @abstractmethod
    def read(self, reply: ChatReply, n: int) -> Scores:
        """What the reply says of the n passages of its batch."""

    def _tokens(self, n: int) -> int:
        keys = sum(len(name) // _CHARACTERS_A_TOKEN for name in self.names)
        line = _TOKENS_A_LINE + _TOKENS_A_NUMBER * len(self.names) + keys
        return self.max_tokens or _TOKENS_AT_LEAST + n * line


@dataclass(frozen=True)
class Judgements(Protocol):
    """The model gives every passage its relevance and a number for each criterion, and computes nothing.

    Attributes:
        criteria: beside relevance.
        structured: whether JSON is asked for, with a schema; else lines.
    """

    criteria: tuple[Criterion, ...]
    structured: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Relevance, and the criteria."""
        return ("relevance", *(criterion.name for criterion in self.criteria))

    @property
    def weights(self) -> Floats:
        """1 for relevance, and the weights of the criteria."""
        return np.array([1.0, *(criterion.weight for criterion in self.criteria)])

    def request(self, query: str, passages: Sequence[Passage]) -> ChatRequest:
        """The rubric, the documents, the question, the form of the answer: what batches share stands first."""
        n = len(passages)
        shown = documents(passages, self.keys, self.words, fence=True)
        values = {
            "n": str(n),
            "criteria": rubric(self.criteria),
            "documents": shown,
            "query": query_text(query),
            "form": self._form(n),
        }
        prompt = filled(template("score"), values)
        schema = answer_schema(self._columns, self._tops, n) if self.structured else None
        return ChatRequest((Message("user", prompt),), schema, self._tokens(n))

    def read(self, reply: ChatReply, n: int) -> Scores:
        """JSON or lines, whichever the answer is."""
        scores = read_scores(reply.text, self._columns, self._tops, n)
        return scores._replace(repairs=(*scores.repairs, *_cut(reply)))

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(map(key_of, self.names))

    @property
    def _tops(self) -> tuple[float, ...]:
        return (2 * TOP, *(TOP for _ in self.criteria))

    def _form(self, n: int) -> str:
        if self.structured:
            return filled(template("form_json"), {"n": str(n), "json": answer_form(self._columns, n)})
        numbers = "".join(f", {column}: <0 to 5>" for column in self._columns[1:])
        return filled(template("form_lines"), {"n": str(n), "line": f"Doc: 1, Relevance: <0 to 10>{numbers}"})


@dataclass(frozen=True)
class Published(Protocol):
    """The published protocol: the model scores, adds up, discards and sorts, and prints each final score.

    Attributes:
        prompt: with `{context_str}` and `{query_str}`.
    """

    prompt: str

    @property
    def names(self) -> tuple[str, ...]:
        """The one number that is printed."""
        return ("final score",)

    @property
    def weights(self) -> Floats:
        """1."""
        return np.ones(1)

    def request(self, query: str, passages: Sequence[Passage]) -> ChatRequest:
        """The prompt with its two placeholders filled."""
        shown = documents(passages, self.keys, self.words, fence=False)
        prompt = filled(self.prompt, {"context_str": shown, "query_str": query_text(query)})
        return ChatRequest((Message("user", prompt),), None, self._tokens(len(passages)))

    def read(self, reply: ChatReply, n: int) -> Scores:
        """What is listed has its number. What is not was discarded, unless nothing of the answer could be read."""
        parsed = parse("doc-lines", reply.text, [str(number) for number in range(1, n + 1)])
        rows = np.full((n, 1), np.nan)
        for place, score in parsed.scores.items():
            rows[place] = score
        # An empty answer is the protocol's own way of saying that no document qualifies.
        told = not reply.cut and (bool(parsed.scores) or not reply.text.strip())
        listed = {*parsed.scores, *(number - 1 for number in named(reply.text))}  # one may have no readable number
        discarded = frozenset(range(n)).difference(listed) if told else frozenset[int]()
        repairs = tuple(repair for repair in parsed.repairs if not (told and _as_meant(repair)))
        return Scores(rows, (*repairs, *_cut(reply)), discarded)


def _as_meant(repair: str) -> bool:
    """Whether the grammar reports what this protocol means to happen: documents left out, or all of them."""
    return repair.endswith(" missing") or repair in ("the reply is empty", "nothing named")


def _cut(reply: ChatReply) -> tuple[str, ...]:
    return ("an answer was cut at its limit of tokens",) if reply.cut else ()
