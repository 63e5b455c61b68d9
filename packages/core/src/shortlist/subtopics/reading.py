"""Knowledge elements in what a language model wrote: a JSON list or numbered lines, whichever is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from shortlist.criteria.rendering import one_line
from shortlist.models.base import ChatReply
from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.replies import answer

_LINE = re.compile(r"^[^\S\n]{0,8}(?:\(?[0-9]{1,2}[.):]|[-*•+])[^\S\n]{1,4}(\S[^\n]*)$", re.MULTILINE)
_SIGNS = " \"'`*_“”‘’,;"
_WORD = re.compile(r"[^\W_]+")
_PLACEHOLDER = re.compile(r"<text>|\.\.\.|…", re.IGNORECASE)
_NAMES = ("element", "text", "question", "query", "name")


def read_elements(reply: ChatReply, query: str, most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """At most so many elements, none twice and none the question itself; and what had to be mended.

    Prose declares nothing: elements are the texts of a JSON list, or of an object, or lines with a number or a bullet
    before them. The form of which there are more is read. Each is one line of at most 40 words, without special tokens.
    No text raises anything.
    """
    said = answer(reply.text)
    written = max(list(_from_json(loose_json(said.text))), _LINE.findall(said.text), key=len)
    lost: Counter[str] = Counter()
    found = {_key(query): ""}
    for each in map(_cleaned, written):
        key = _key(each)
        why = "" if key else "empty"
        why = why or ("repeated" if key in found else "too many" if len(found) > most else "")
        lost[why] += 1
        if not why:
            found[key] = each
    del lost[""]
    repairs = [f"{count} knowledge elements left out: {why}" for why, count in lost.items()]
    cut = ("the declaration was cut at its limit of tokens",) if reply.cut else ()
    none = () if written else ("no knowledge element could be read",)
    return tuple(filter(None, found.values())), (*said.notes, *none, *repairs, *cut)


def _cleaned(text: str) -> str:
    """On one line, without the signs of JSON and Markdown around it; the form's own placeholder is nothing."""
    bare = one_line(text).strip(_SIGNS)
    return "" if _PLACEHOLDER.fullmatch(bare) else bare


def _key(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _from_json(value: object) -> Iterator[str]:
    """The texts of a list, of an object's first list of texts, or of an object of numbered texts."""
    if isinstance(value, Mapping):
        listed = next((each for each in value.values() if isinstance(each, list)), None)
        value = list(value.values()) if listed is None else listed
    for each in value if isinstance(value, list) else ():
        text = _text(each)
        if text is not None:
            yield text


def _text(item: object) -> str | None:
    if isinstance(item, Mapping):
        item = next((item[name] for name in _NAMES if name in item), next(iter(item.values()), None))
    return item if isinstance(item, str) else None
