"""A language model as the judge of an answer."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.models.base import ChatReply, ChatRequest, Message
from shortlist.prompts.grammar import parse
from shortlist.prompts.render import filled
from shortlist.prompts.safety import cleaned, fenced
from shortlist.training.templates import template

_SCALE = tuple(map(str, range(101)))
_MAX_TOKENS = 256


def judge_request(query: str, answer: str, golds: Sequence[str]) -> ChatRequest:
    """Ask how good the answer is, from 0 to 100. Texts are cleaned, and the answer cannot leave its fence."""
    values = {
        "query": _line(query),
        "golds": "; ".join(map(_line, golds)) or "none",
        "answer": fenced(cleaned(answer, brackets=False, words=None, one_line=False), "candidate"),
    }
    return ChatRequest((Message("user", filled(template("judge"), values)),), max_tokens=_MAX_TOKENS)


def read_judge(reply: ChatReply) -> float | None:
    """What the judge says, from 0 to 1; None where it says no number of its scale.

    The published reward multiplies the judge's text, unread and on another scale than the other terms.
    """
    parsed = parse("number", reply.text, _SCALE)
    return parsed.scores[parsed.order[0]] / 100.0 if parsed.order else None


def _line(text: str) -> str:
    return fenced(cleaned(text, brackets=False, words=None, one_line=True), "candidate")
