"""What an answer may be, built from the window itself: JSON schemas and regular expressions for guided decoding."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_THINKING = r"(?:<think>[^<]*</think>\s{0,2})?"


def schema_for(grammar: str, ids: Sequence[str]) -> str | None:
    """The JSON schema of an answer, as text; None where the grammar is not JSON or there is nothing to name.

    All fields are required and no others allowed, as strict modes ask. A schema keeps an order from naming strangers
    and from being short, but not from naming one twice; of scores it guarantees one for each.
    """
    if not ids:
        return None
    if grammar == "order-json":
        items = {"type": "string", "enum": list(ids)}
        return _object({"ranking": {"type": "array", "items": items, "minItems": len(ids), "maxItems": len(ids)}})
    if grammar == "selection-json":
        items = {"type": "string", "enum": list(ids)}
        return _object({"selected": {"type": "array", "items": items, "maxItems": len(ids)}})
    if grammar == "score-map":
        return _object({name: {"type": "number", "minimum": 0, "maximum": 10} for name in ids})
    return None


def pattern_for(grammar: str, ids: Sequence[str]) -> str | None:
    """The regular expression that a whole answer matches; None where the grammar has none or there is nothing to name.

    It uses what every engine of guided decoding knows: alternatives, classes and counts.
    """
    if not ids:
        return None
    name = f"(?:{'|'.join(map(re.escape, ids))})"
    patterns = {
        "ranking": rf"\[{name}\](?: [>=] \[{name}\]){{{len(ids) - 1}}}",
        "selection": rf"(?:None|\[{name}\](?:, \[{name}\]){{0,{len(ids) - 1}}})",
        "pick": rf"(?:(?:Passage )?{name}|\[{name}\])",
        "answer": rf"{_THINKING}<answer>\[{name}\]</answer>",
        "number": rf"(?:{_THINKING}<answer>{name}</answer>|{name})",
    }
    return patterns.get(grammar)


def _object(properties: dict[str, object]) -> str:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return json.dumps(schema, ensure_ascii=False)
