"""Readers of replies that keep some passages of a window, or none.

That none is needed must be said: by the word, or by a list that is empty and closed. A reply that names no passage and
does not say so has not been read, and is no empty selection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.read_order import Run, in_brackets, name_of, runs
from shortlist.prompts.replies import Reply
from shortlist.prompts.window import Parsed, Window, by_order

PROSE = "prose around the answer"
"""The note that a reply held more than its answer."""

_FENCE = re.compile(r"^[^\S\n]*```\w*[^\S\n]*$", re.MULTILINE)
_AND = re.compile(r"\][^\S\n]{0,3},?[^\S\n]{0,3}(?:and|&)[^\S\n]{0,3}(?=\[)", re.IGNORECASE)
# Prompts show examples of lists, and models that repeat the prompt repeat those.
_EXAMPLE = re.compile(r"(?:e\.\s?g\.|for example|for instance|such as)[\s,:]{0,4}\Z", re.IGNORECASE)
_EXAMPLE_LENGTH = 20
_GAP = r"[^\S\n]{0,4}"
_LABEL = (
    r"(?:(?:(?:the|my|final|selected|relevant|needed|required|documents?|passages?|answer|output|identifiers?|ids?|list"
    rf"|selection|result|response)\b{_GAP}){{1,6}}(?:is\b|are\b|[:=：]){_GAP})?"
)
_SAYS_NONE = re.compile(
    rf"^([ \t'\[{{>-]{{0,8}}{_LABEL}['\[{{]{{0,4}})(none)(?=['\]}}.! \t]{{0,8}}$)", re.IGNORECASE | re.MULTILINE
)
_OPENS_WITH_NONE = re.compile(r"\A[\s'\[]{0,8}none\b[^.!\n]*+", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_LEADS = re.compile(r"(?:[:=：]|\b(?:is|are))[\s'\[({]*\Z", re.IGNORECASE)
_FIELDS = ("selected", "selection", "keep", "kept", "identifiers", "ids", "documents", "passages")
_EMPTY = r"\s{0,4}:\s{0,4}\[?(?:\s{0,40}\]|[\"'\s]{0,8}(?:none|null)\b)"
_SAID_EMPTY = {field: re.compile(rf"[\"']?{field}[\"']?{_EMPTY}", re.IGNORECASE) for field in _FIELDS}
_EMPTY_LIST = re.compile(r"[\s`]*+(?:json[\s`]*+)?\[\s*+\][\s`.]*+")


def read_selection(reply: Reply, names: Window) -> Parsed:
    """`[3], [1]`, or `None` where no passage is needed: DynamicRAG, arXiv 2505.07233.

    The first list, or the first line that says none, counts: what comes after it is explanation. A list that stands by
    itself, or after a colon, goes before names in a sentence; lines that each begin with a name are a list too.
    """
    if _EMPTY_LIST.fullmatch(reply.text):
        return Parsed((), {}, (*reply.notes, "an empty list: none"), none=True)
    return _read(reply, names, lines=True)


def read_selected(reply: Reply, names: Window) -> Parsed:
    """`{"selected": ["3", "1"]}`, empty where no passage is needed; lists and `None` alone are read as well."""
    value = loose_json(reply.text)
    field = next((name for name in _FIELDS if name in value), None) if isinstance(value, Mapping) else None
    notes = reply.notes if reply.text[0] in "{[`" else (*reply.notes, PROSE)
    if isinstance(value, Mapping) and field is not None:
        return _of_field(reply.text, field, value[field], names, notes)
    if _EMPTY_LIST.fullmatch(reply.text):
        return Parsed((), {}, reply.notes, none=True)
    return _read(reply, names, lines=False)


def unsaid(text: str) -> str:
    """The text, so that no line of it says none when a model quotes it: `None` becomes `(None)`."""
    return _SAYS_NONE.sub(r"\1(\2)", text)


def _of_field(text: str, field: str, value: Any, names: Window, notes: Sequence[str]) -> Parsed:
    items = value if isinstance(value, list) else []
    said = {str(item).strip().lower().rstrip(".") for item in (items or [value])}
    # What `loose_json` cannot read is None to it, and a list that was cut short an empty one: the text must say so.
    if said <= {"none", "[]"} and _SAID_EMPTY[field].search(text):
        return Parsed((), {}, tuple(notes), none=True)
    return by_order(([name_of(item, names)] for item in items), names, notes, whole=False)


def _read(reply: Reply, names: Window, *, lines: bool) -> Parsed:
    """Of lists and names in brackets. `None` is read in a line of its own, or else as the whole reply only."""
    text = in_brackets(_undressed(reply.text), names)
    notes = list(reply.notes)
    if plain := _plain(text, names):
        text = plain
        notes.append("names without brackets")
    lists = [run for run in runs(text, [*names.in_brackets.finditer(text)]) if not _is_example(text, run)]
    stated = next((run for run in lists if _stands_alone(text, run)), None)
    none = _SAYS_NONE.search(text)
    if none and (lines or not _LETTER.search(_without(text, none))) and (not stated or none.start() < stated.start):
        return Parsed((), {}, _noted(notes, _without(text, none)), none=True)
    items = _items(text, names) if stated is None else []
    if items:
        return by_order(items, names, (*notes, PROSE), whole=False)
    return _chosen(text, stated or next(iter(lists), None), names, notes, alone=stated is not None)


def _chosen(text: str, run: Run | None, names: Window, notes: Sequence[str], *, alone: bool) -> Parsed:
    """The list; of a reply that has none by itself, what its first sentence says."""
    opening = None if alone else _OPENS_WITH_NONE.match(text)
    if opening and (run is None or run.start >= opening.end()):
        return Parsed((), {}, (*notes, PROSE), none=True)
    if run is None or opening:
        return by_order([], names, (*notes, "says none, and names passages") if opening else notes, whole=False)
    aside = f"{text[: run.start]} {text[run.end :]}"
    return by_order(run.groups, names, _noted(notes, aside), whole=False)


def _is_example(text: str, run: Run) -> bool:
    return bool(_EXAMPLE.search(text[max(0, run.start - _EXAMPLE_LENGTH) : run.start]))


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _noted(notes: Sequence[str], aside: str) -> tuple[str, ...]:
    return (*notes, PROSE) if _LETTER.search(aside) else tuple(notes)


def _undressed(text: str) -> str:
    return _AND.sub("], ", _FENCE.sub("", text).replace('"', ""))


def _plain(text: str, names: Window) -> str:
    """A reply of names and commas alone, with the brackets that it lacks; empty where it is no such reply."""
    name = rf"(?:{names.token})(?!\w)"
    if not re.fullmatch(rf"\s*+{name}(?:\s*+[,;]\s*+{name})++\s*+\.?\s*+", text):
        return ""
    return re.sub(rf"({names.token})", r"[\1]", text)


def _stands_alone(text: str, run: Run) -> bool:
    """Whether the list is a line of its own, or what follows a colon, and no part of a sentence that goes on."""
    line = text[text.rfind("\n", 0, run.start) + 1 : run.start]
    rest = text[run.end : run.end + _EXAMPLE_LENGTH].lstrip(" \t'])}")
    ends = not rest or rest[0] in "\n.;!"
    return ends and (not _LETTER.search(line) or bool(_LEADS.search(line)))


def _items(text: str, names: Window) -> list[tuple[str]]:
    """The names that lines begin with, where two lines or more do."""
    begins = rf"^[^\S\n]{{0,8}}(?:(?:[-•]|[0-9]{{1,3}}[.)])[^\S\n]{{0,4}})?\[\s?({names.token})\s?\]"
    found = [(str(each[1]),) for each in re.finditer(begins, text, re.MULTILINE)]
    return found if len(found) > 1 else []
