"""Criteria inferred from the query, as values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from shortlist.criteria.judged import Criterion, key_of
from shortlist.criteria.reading import number
from shortlist.criteria.rendering import one_line, query_text, template
from shortlist.models.base import ChatReply, ChatRequest, Message
from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.render import filled
from shortlist.prompts.replies import answer

MOST = 7
"""Criteria that are taken; the paper's meta-prompt offers as many families."""

_MAX_TOKENS = 1024
_USUAL_WEIGHT = 0.5
_FORM = (
    '{"criteria": [{"name": "<text>", "definition": "<text>", "high": "<text>", "low": "<text>", "weight": <number>}]}'
)
_TEXTS = ("name", "definition", "high", "low")


def infer_request(query: str, max_tokens: int | None, *, structured: bool) -> ChatRequest:
    """Ask for criteria that suit the query. It sees no passage, so the same query is always the same ask."""
    values = {"query": query_text(query), "most": str(MOST), "json": _FORM}
    prompt = filled(template("infer"), values)
    return ChatRequest((Message("user", prompt),), _SCHEMA if structured else None, max_tokens or _MAX_TOKENS)


def read_criteria(reply: ChatReply, taken: frozenset[str]) -> tuple[tuple[Criterion, ...], tuple[str, ...]]:
    """The criteria in a reply, at most `MOST`, none of them under a key that is taken; and what had to be mended.

    Weights are brought into [0, 1], and are 0.5 where there is none. No criteria at all is for the caller to mend.
    """
    found: dict[str, Criterion] = {}
    lost, mended = 0, 0
    for each in _listed(loose_json(answer(reply.text).text)):
        criterion, clean = _criterion(each)
        key = "" if criterion is None else key_of(criterion.name)
        if criterion is None or key in taken or key in found or len(found) == MOST:
            lost += 1
            continue
        found[key], mended = criterion, mended + (not clean)
    repairs = {"criteria left out: unusable, repeated, or too many": lost, "criteria without a usable weight": mended}
    return tuple(found.values()), tuple(f"{count} {what}" for what, count in repairs.items() if count)


def _criterion(said: object) -> tuple[Criterion | None, bool]:
    if not isinstance(said, Mapping):
        return None, True
    texts = {name: one_line(text) if isinstance(text := said.get(name), str) else "" for name in _TEXTS}
    if not key_of(texts["name"]):
        return None, True
    weight, clipped = number(said.get("weight"), 1.0)
    usual = math.isnan(weight)
    return Criterion(**texts, weight=_USUAL_WEIGHT if usual else weight), not (usual or clipped)


def _listed(value: object) -> Iterator[Any]:
    """The items of a list, also one that stands under the only or the right name."""
    if isinstance(value, Mapping):
        named = value.get("criteria", next(iter(value.values())) if len(value) == 1 else None)
        value = named if isinstance(named, list) else [value]
    yield from value if isinstance(value, list) else ()


_ITEM = {name: {"type": "string"} for name in _TEXTS} | {"weight": {"type": "number", "minimum": 0, "maximum": 1}}
_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "criteria": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST,
                "items": {
                    "type": "object",
                    "properties": _ITEM,
                    "required": list(_ITEM),
                    "additionalProperties": False,
                },
            }
        },
        "required": ["criteria"],
        "additionalProperties": False,
    }
)
