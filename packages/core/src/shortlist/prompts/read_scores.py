"""Readers of replies that give each passage a number: score maps in JSON, and lines of documents and relevances."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.replies import Reply
from shortlist.prompts.window import WORDS, Parsed, Window, by_score

_EMPHASIS = str.maketrans("", "", "*`")
# Decimals by point or comma; a comma before more than two digits, or before a space, is none.
_NUMBER = r"([-+]?[0-9]++(?:\.[0-9]++|,[0-9]{1,2}(?![0-9]))?(?:[eE][-+]?[0-9]{1,4})?)"
_RELEVANCE = r"(?i:(?:final|total|overall)?[ _]?(?:relevance|relevancy|score|rating)(?:[ _]score)?)"
_SCORE_FIELDS = ("score", "relevance", "rating", "relevance_score", "value")
_NAME_FIELDS = ("id", "passage", "document", "doc", "index", "identifier")
_DEEPEST = 3
_QUOTED = re.compile(r"^[^\S\n]*+>.*$", re.MULTILINE)


def read_map(reply: Reply, names: Window) -> Parsed:
    """`{"[1]": 5, "[2]": 9}` of GroupRank, arXiv 2511.11653. A passage whose number cannot be read is only missing."""
    said = list(_pairs(loose_json(reply.text), names)) or [
        (match[1], match[2]) for match in _coloned(names).finditer(reply.text.translate(_EMPHASIS))
    ]
    read = [(name, number) for name, score in said if (number := _number(score)) is not None]
    read.sort(key=lambda pair: len(names.ids) if (place := names.place(pair[0])) is None else place)
    prose = [] if reply.text[0] in "{[`" else ["prose around the answer"]
    return by_score(read, names, (*reply.notes, *prose, *_unread(len(said) - len(read))))


def read_lines(reply: Reply, names: Window) -> Parsed:
    """Lines `Doc: 3, Relevance: 12.5` of LlamaIndex and REBEL. A line that cannot be read loses only itself."""
    text = _QUOTED.sub("", reply.text).translate(_EMPHASIS)
    lines = _lines(names)
    said = [(match[1], match[2] or match[3]) for match in lines.finditer(text)]
    read = [(name, number) for name, score in said if (number := _number(score)) is not None]
    prose = ["prose around the answer"] if said and re.search(r"[^\W\d_]", lines.sub("", text)) else []
    return by_score(read, names, (*reply.notes, *prose, *_unread(len(said) - len(read))))


@lru_cache(maxsize=256)
def _lines(names: Window) -> re.Pattern[str]:
    """Finds a document and its relevance, as groups 1 and 2 or 3; 2 takes no part where the relevance is no number."""
    document = rf"(?<!\w)(?i:document|doc|passage)(?:[-_]|\s{{0,2}}[:#.]?\s{{0,2}})[\[(\"']?({names.token})[\])\"']?"
    gap = r"[\s,;:|()\"'–—-]{0,6}"
    scored = rf"{_RELEVANCE}[\s:=\"'(\[]{{0,6}}{_NUMBER}?(?!\w)(?:\s?/\s?[0-9]+)?"
    return re.compile(rf"{document}(?!\w)(?:{gap}(?<!\w){scored}|[ ,;:|]{{1,4}}{_NUMBER}[ .|]*$)", re.MULTILINE)


@lru_cache(maxsize=256)
def _coloned(names: Window) -> re.Pattern[str]:
    """Finds `[3]: 7` and `Passage 3 = 7`."""
    name = rf"(?:\[(?=[^\]\n]{{1,24}}\])|(?i:{WORDS})[ #]{{1,2}})(?i:{WORDS}[ #]{{0,2}})?({names.token})\]?"
    return re.compile(rf"(?<!\w){name}[\"']?\s?(?::|=|->)\s?[\"']?{_NUMBER}")


def _pairs(value: Any, names: Window, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names with what was given for each, in a JSON value or one level and another inside it."""
    if isinstance(value, dict):
        own = _own(value, names)
        if own:
            yield from own
        elif depth < _DEEPEST:
            for inner in value.values():
                yield from _pairs(inner, names, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for inner in value:
            yield from _pairs(inner, names, depth + 1)


def _own(fields: dict[str, Any], names: Window) -> list[tuple[str, Any]]:
    """An object's own pairs: `{"[1]": 5}`, or `{"id": 1, "score": 5}` as one."""
    named = next((fields[field] for field in _NAME_FIELDS if field in fields), None)
    scored = next((fields[field] for field in _SCORE_FIELDS if field in fields), None)
    if named is not None and scored is not None:
        return [(name, scored)] if (name := _name(str(named), names)) is not None else []
    return [(name, score) for key, score in fields.items() if (name := _name(key, names)) is not None]


def _name(key: str, names: Window) -> str | None:
    """The name in a key, or None where it does not look like one."""
    key = key.strip()
    found = names.in_brackets.fullmatch(key if key.startswith("[") else f"[{key}]")
    return found[1] if found else None


def _number(score: Any) -> float | None:
    """What was given, as a finite number; text may hold one, as `7.5` or `7/10`."""
    if isinstance(score, dict):
        score = next((score[field] for field in _SCORE_FIELDS if field in score), None)
    if isinstance(score, str):
        found = re.fullmatch(rf"\s*{_NUMBER}(?:\s?/\s?[0-9]+)?\s*", score)
        score = float(found[1].replace(",", ".")) if found else None
    if isinstance(score, bool) or not isinstance(score, int | float):
        return None
    return float(score) if math.isfinite(score) else None


def _unread(count: int) -> Sequence[str]:
    return [f"{count} without a number"] if count else []
