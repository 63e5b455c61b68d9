"""The generator: an answer from a list of passages, which keep the numbers that they had among the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

from shortlist.models.base import ChatRequest, Message
from shortlist.passage import Passage
from shortlist.prompts.render import filled, titled
from shortlist.prompts.safety import cleaned
from shortlist.training.templates import template
from shortlist.training.trajectories.question import Question

Style: TypeAlias = Literal["phrase", "paragraph", "verdict"]

STYLES: Mapping[str, str] = MappingProxyType(
    {
        "phrase": "Answer with a short phrase.",
        "paragraph": "Answer with a paragraph.",
        "verdict": "Answer with SUPPORTS, REFUTES or NOT ENOUGH INFO.",
    }
)
"""How long an answer is wanted: short answers, long ones, and the verdicts of FEVER."""


def generator_request(question: Question, ids: Sequence[int], style: Style, max_tokens: int) -> ChatRequest:
    """Ask for the likeliest answer from the passages of these numbers, counted from 1."""
    blocks = [_block(i, question.passages[i - 1]) for i in ids]
    content = "Retrieved Content:\n" + "\n\n".join(blocks) if blocks else "Retrieved Content: None"
    user = f"{STYLES[style]}\n\nQuery: {_clean(question.query)}\n\n{content}"
    system = filled(template("generator"), {"style": STYLES[style]})
    return ChatRequest((Message("system", system), Message("user", user)), max_tokens=max_tokens)


def _block(number: int, passage: Passage) -> str:
    title, text = titled(passage)
    head = f"Title: {_clean(title, one_line=True)}.\n" if title else ""
    return f"{number}. {head}Content: {_clean(text)}"


def _clean(text: str, *, one_line: bool = False) -> str:
    return cleaned(text, brackets=True, words=None, one_line=one_line)
