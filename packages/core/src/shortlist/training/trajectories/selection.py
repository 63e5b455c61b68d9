"""Lists of passages as a policy is shown them, writes them and is taught them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from shortlist.errors import InputError
from shortlist.models.base import ChatReply, ChatRequest, Message
from shortlist.prompts.grammar import parse
from shortlist.prompts.guided import pattern_for, schema_for
from shortlist.prompts.render import render
from shortlist.prompts.spec import PromptSpec, prompt
from shortlist.training.trajectories.question import Question


def selection_spec(name: str) -> PromptSpec:
    """A prompt for selections.

    Raises:
        InputError: there is none of that name, or it is for something else.
    """
    spec = prompt(name)
    if spec.contract != "selection":
        raise InputError(f"prompt {spec.name} asks for a {spec.contract}, not for a selection")
    return spec


def shown(question: Question, spec: PromptSpec) -> Question:
    """The question with the passages of one prompt: no more than its window holds."""
    return replace(question, passages=question.passages[: spec.window])


def turns(question: Question, spec: PromptSpec) -> tuple[Message, ...]:
    """What the reranker sends for these passages, to the byte."""
    return tuple(Message(*turn) for turn in render(spec, question.query, question.passages))


def request(question: Question, spec: PromptSpec) -> ChatRequest:
    """Ask for a list."""
    names = spec.named(len(question.passages))
    schema, pattern = schema_for(spec.held, names), pattern_for(spec.held, names)
    return ChatRequest(turns(question, spec), schema, spec.max_tokens, spec.temperature, pattern=pattern)


def selected(reply: ChatReply, spec: PromptSpec, n: int) -> tuple[int, ...] | None:
    """The passages that a reply names, from 1, none twice and all of them there; None where it cannot be read."""
    parsed = parse(spec.grammar, reply.text, spec.named(n))
    return tuple(place + 1 for place in parsed.order) if parsed.order or parsed.none else None


def written(ids: Sequence[int], spec: PromptSpec) -> str:
    """The reply that a policy is taught: `[3], [1]` or `None`, or their form in JSON. Passages are numbered from 1."""
    names = spec.named(max(ids, default=0))
    told = [names[i - 1] for i in ids]
    if spec.grammar == "selection-json":
        return json.dumps({"selected": told})
    return ", ".join(f"[{name}]" for name in told) or "None"
