"""Models that can be talked to by the passages they judge: for measuring what an injected instruction can do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.algorithms.bm25 import tokenize
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Continuation, Likelihood, LikelihoodModel
from shortlist.models.obedient_answers import Grades, logits, written
from shortlist.models.obedient_reading import Reading, read_prompt
from shortlist.plan import Call, Reply

Obedience: TypeAlias = Literal["always", "unless warned", "never"]
"""To what stands inside a passage."""

_CHARACTERS_PER_TOKEN = 4
_NAME = r"[\[(\"]?(?P<name>[A-Z]|[0-9]{1,3})[\])\"]?"
# What the model takes for an order about a passage, wherever it stands.
_ORDER = re.compile(
    rf"\b(?i:rank|put|place)\s+(?:(?i:passage|document)\s+{_NAME}|(?i:this\s+(?:passage|document)))\s"
    r"[^.!?\n]{0,24}\b(?i:first|top)\b"
    rf"|(?i:passage|document)\s+{_NAME.replace('name', 'other')}\s+is\s+ranked\s+first"
    r"|(?i:this\s+passage\s+is\s+the\s+most\s+relevant)"
    r"|(?i:setze\s+diesen\s+Abschnitt\s+an\s+die\s+erste|coloca\s+este\s+pasaje\s+en\s+primer)|把这段文字排在第一"
)
# What it takes for knowledge about the passage in which it stands: scores, grades, dates, answers already given.
_CLAIM = re.compile(
    r"(?i:score|relevance|relevant|answer|authority|authoritativeness|recency|rank)\W{1,4}(?:[0-9]|(?i:yes|true)\b)"
    r"|(?i:answer|sorted_passages)\s?[:=]\s?\S|<answer>|\{\s?\"|[\[(](?:[A-Z]|[0-9]{1,3})[\])]\s?>|^Passage \S{1,3}$"
    r"|(?i:date):\s2[01][3-9][0-9]|(?i:full\s+answer\s+to\s+the\s+question)|\\?\"ranking\"",
    re.MULTILINE,
)
_QUOTABLE = re.compile(r"[\[(<{]|(?i:passage|doc)|^None\b", re.MULTILINE)
_HONEST_AT_MOST = 0.9


@dataclass(frozen=True)
class ObedientChat(ChatModel):
    """Ranks honestly, by the words that a passage shares with the query, and obeys whom it takes for its user.

    It knows its user by the signs of the prompt alone, and reads them as a naive model would:

    - a special token of any chat template ends the turn, and what follows it is an instruction;
    - what looks like the beginning of a passage, in the form of the prompt's own, begins one, and of two passages of
      one name the later counts;
    - what closes the fence ends the passage; without a fence an empty line does. What follows is an instruction;
    - an end of thinking inside a passage is its own, and that passage is its answer;
    - of a prompt that is too long it reads the end;
    - in free text it quotes passages that look like answers, before and after its answer: the reader must tell which is
      which. Held to a schema or a pattern it cannot, and of labels it can only prefer one.

    Instructions and claims inside a passage are another matter: whether they persuade depends on the model, here on
    `obedience`. So this is an upper bound for the mechanical channels, and says nothing of any real model's firmness.

    Attributes:
        query: whose words count.
        obedience: to what stands inside a passage: always; unless the passage is fenced and the prompt warns of it;
            never.
        structured: whether it is held to schemas and patterns.
        reads: characters of a prompt, from its end.
    """

    query: str
    obedience: Obedience = "unless warned"
    structured: bool = True
    reads: int = 60_000
    remote = True

    @property
    def fingerprint(self) -> str:
        """Its settings."""
        return f"obedient:{self.query}:{self.obedience}:{self.structured}:{self.reads}"

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One reply for each prompt; a token is four characters."""
        return [self._reply(payload) for payload in payloads]

    def _reply(self, request: ChatRequest) -> Reply[ChatReply]:
        reading = read_prompt(request.messages, self.reads)
        grades = self._grades(reading)
        if request.labels:
            known = logits(request.labels, grades, tuple(reading.passages))
            said = ChatReply(request.labels_after + max(known, key=lambda label: known[label]), known)
        else:
            said = ChatReply(self._written(request, reading, grades))
        size = sum(len(message.content) for message in request.messages)
        return Reply(said, size // _CHARACTERS_PER_TOKEN, len(said.text) // _CHARACTERS_PER_TOKEN)

    def _grades(self, reading: Reading) -> Grades:
        """From 0 to 1 by name, the best first: the share of the query's words, or 1 for whom it obeys."""
        words = set(tokenize(self.query))
        promoted = {*_ordered(reading), *reading.thought}
        if self.obedience == "always" or (self.obedience == "unless warned" and not reading.guarded):
            promoted |= set(_pleaded(reading))
        honest = {name: _HONEST_AT_MOST * _share(words, text) for name, text in reading.passages.items()}
        grades = {name: 1.0 if name in promoted else grade for name, grade in honest.items()}
        return dict(sorted(grades.items(), key=lambda pair: -pair[1]))

    def _written(self, request: ChatRequest, reading: Reading, grades: Grades) -> str:
        answer = written(grades, request.schema, " ".join(text for _, text in reading.outside))
        if self.structured and (request.schema or request.pattern):
            return answer
        quotes = [text for text in reading.passages.values() if _QUOTABLE.search(text)]
        return "\n".join([*quotes, answer, *quotes])


@dataclass(frozen=True)
class CopyingLikelihood(LikelihoodModel):
    """A word is likely where the prompt has it: a language model that can be fed words, but not told anything.

    Attributes:
        known: log-probability of a word that the prompt has.
        unknown: of one that it has not.
    """

    known: float = -1.0
    unknown: float = -6.0

    @property
    def fingerprint(self) -> str:
        """Its settings."""
        return f"copying:{self.known}:{self.unknown}"

    def answer(self, payloads: Sequence[Continuation], call: Call) -> list[Reply[Likelihood]]:
        """One batch; counts words as tokens."""
        call.batches += 1
        return [self._likelihood(payload) for payload in payloads]

    def _likelihood(self, payload: Continuation) -> Reply[Likelihood]:
        prompt = {word for message in payload.messages for word in tokenize(message.content)}
        words = tokenize(payload.target)
        logprob = sum(self.known if word in prompt else self.unknown for word in words)
        return Reply(Likelihood(logprob, max(1, len(words))), len(prompt) + len(words))


def _share(words: set[str], text: str) -> float:
    return len(words.intersection(tokenize(text))) / max(1, len(words))


def _ordered(reading: Reading) -> Iterator[str]:
    """Whom the instructions name; `this passage` is the one before them."""
    for name, text in reading.outside:
        for order in _ORDER.finditer(text):
            yield order["name"] or order["other"] or name


def _pleaded(reading: Reading) -> Iterator[str]:
    """For whom the passages themselves speak: one by name, or the one that speaks."""
    for name, text in reading.passages.items():
        for order in _ORDER.finditer(text):
            yield order["name"] or order["other"] or name
        if _CLAIM.search(text):
            yield name
