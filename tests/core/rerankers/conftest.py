"""A chat model that judges by rule: what a passage says of itself is what it gets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from shortlist.errors import ModelError, ShortlistError
from shortlist.models.base import ChatModel, ChatReply, ChatRequest
from shortlist.plan import Call, Reply

_DOCUMENT = re.compile(
    r"^Document (\d+):\n(.*?)(?=\n\nDocument \d+:\n|\n\nQuestion: |\nQuestion: )", re.DOTALL | re.MULTILINE
)
_NUMBER = re.compile(r"(\w+)=(-?[\d.]+)")


def documents_in(prompt: str) -> dict[int, str]:
    """The documents of a prompt by number: what stands before the last `Question:`, after the last example."""
    shown = prompt.rpartition("Let's try this now:")[2]
    return {int(number): text for number, text in _DOCUMENT.findall(shown)}


def numbers_in(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in _NUMBER.findall(text)}


def as_json(said: dict[int, dict[str, float]]) -> str:
    return json.dumps({"scores": {str(n): numbers for n, numbers in said.items()}})


def as_lines(said: dict[int, dict[str, float]]) -> str:
    rows = (", ".join(f"{name}: {value}" for name, value in numbers.items()) for numbers in said.values())
    return "\n".join(f"Doc: {n}, {row}" for n, row in zip(said, rows, strict=True))


def as_published(said: dict[int, dict[str, float]]) -> str:
    """Sums up, discards and sorts as the published prompt asks, with 0.5 for every property."""
    final = {n: 0.5 * (v["relevance"] + sum(v.values())) for n, v in said.items() if v.get("relevance", 0) >= 3}
    return "\n".join(f"Doc: {n}, Relevance: {final[n]:g}" for n in sorted(final, key=lambda n: -final[n]))


@dataclass(frozen=True, eq=False)
class Judge(ChatModel):
    """Reads `relevance=7 depth=4` off every document of a prompt, and answers in a form.

    Attributes:
        form: of the answer.
        bias: added to every number of a prompt, by the documents in it.
        inferred: the answer to a prompt without documents.
        fails: whether a prompt is not answered.
    """

    form: Callable[[dict[int, dict[str, float]]], str] = as_json
    bias: Callable[[str], float] = lambda prompt: 0.0
    inferred: str | Callable[[str], str] = ""
    fails: Callable[[str], bool] = lambda prompt: False
    asked: list[ChatRequest] = field(default_factory=list)
    remote = True

    @property
    def prompts(self) -> list[str]:
        return [request.messages[-1].content for request in self.asked]

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply] | ShortlistError]:
        return [self._one(payload) for payload in payloads]

    def _one(self, request: ChatRequest) -> Reply[ChatReply] | ShortlistError:
        self.asked.append(request)
        prompt = request.messages[-1].content
        found = documents_in(prompt)
        if self.fails(prompt):
            return ModelError("made to fail")
        if not found:
            return Reply(ChatReply(self.inferred if isinstance(self.inferred, str) else self.inferred(prompt)))
        bias = self.bias(prompt)
        said = {n: {name: value + bias for name, value in numbers_in(text).items()} for n, text in found.items()}
        return Reply(ChatReply(self.form(said)))


@pytest.fixture
def judge() -> Any:
    return Judge


@pytest.fixture
def forms() -> Any:
    return {"structured": as_json, "text": as_lines, "paper": as_published}
