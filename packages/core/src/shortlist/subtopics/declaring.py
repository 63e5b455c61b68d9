"""A language model declares what knowledge a question needs: how it is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, TypeAlias

from shortlist.criteria.rendering import documents, query_text
from shortlist.errors import LimitReached, ShortlistError
from shortlist.models.base import ChatModel, ChatRequest, Message
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan
from shortlist.prompts.render import filled
from shortlist.subtopics.reading import read_elements

Form: TypeAlias = Literal["json", "lines"]

MAX_TOKENS = 256


class Declaration(NamedTuple):
    """What was declared.

    Attributes:
        elements: short texts, none twice; empty where nothing could be read.
        repairs: what had to be mended.
        trouble: why the model was not heard; None where it was.
    """

    elements: tuple[str, ...]
    repairs: tuple[str, ...] = ()
    trouble: str | None = None


def declared(
    query: str, shown: Sequence[Passage], model: ChatModel, *, most: int, words: int | None, form: Form
) -> Plan[Declaration]:
    """One ask, which depends on nothing but the query and the passages shown, so that a cache holds its answer."""
    try:
        (reply,) = yield from model.votes([declare_request(query, shown, most=most, words=words, form=form)])
    except LimitReached as limit:
        return _unheard(limit)
    if isinstance(reply, Missing):
        return _unheard(reply.error)
    return Declaration(*read_elements(reply, query, most))


def _unheard(error: ShortlistError) -> Declaration:
    return Declaration((), trouble=f"knowledge elements were not declared: {error}")


def declare_request(
    query: str, shown: Sequence[Passage], *, most: int, words: int | None, form: Form = "json"
) -> ChatRequest:
    """The prompt. Passages are cleaned, cut to so many words, and fenced."""
    values = {
        "documents": documents(shown, (), words, fence=True),
        "query": query_text(query),
        "most": str(most),
        "form": _FORMS[form],
    }
    schema = _schema(most) if form == "json" else None
    return ChatRequest((Message("user", filled(_template(), values)),), schema, MAX_TOKENS)


_FORMS: dict[Form, str] = {
    "json": 'Answer with JSON and nothing else, in this form:\n{"elements": ["<text>", "<text>"]}',
    "lines": "Answer with one line for each and nothing else, in this form:\n1. <text>\n2. <text>",
}


@cache
def _template() -> str:
    return files("shortlist.subtopics").joinpath("templates", "declare.txt").read_text("utf-8").removesuffix("\n")


def _schema(most: int) -> str:
    listed = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": most}
    whole = {"type": "object", "properties": {"elements": listed}}
    return json.dumps({**whole, "required": ["elements"], "additionalProperties": False})
