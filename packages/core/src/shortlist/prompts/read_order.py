"""Readers of replies that put passages in order: rankings in brackets, LRL's names, JSON lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.replies import Reply
from shortlist.prompts.window import Parsed, Window, by_order

_ABOVE = r"(?:&gt;|[-=]?[>≥≻→]=?)"
# What may stand between two names of one run: signs, quotes, the number or bullet of the next line of a list.
_JOINT = re.compile(rf"[\s\"'\]\[]*+(?:(?:{_ABOVE}|[=≈,;，、])[\s\"'\]\[]*+)*+(?:(?:[0-9]{{1,3}}[.)]|[-•])\s*+)?\[?")
_LONGEST_JOINT = 40
_TIE = re.compile(r"\s*[=≈]\s*")
_RANKED = re.compile(_ABOVE + "|[=≈]")
_LETTER = re.compile(r"[^\W\d_]")
_DRESS = str.maketrans("", "", '*`"')
_FIELDS = ("ranking", "order", "ranked", "result", "results", "passages", "documents", "ids")
_NAMES_IN_ITEM = ("id", "passage", "document", "doc", "index", "identifier")


class Run(NamedTuple):
    """Names that stand together in a text.

    Attributes:
        groups: the names; tied ones in one group.
        start: where the run starts.
        end: where it ends.
        ranked: whether a sign says which is above which.
    """

    groups: tuple[tuple[str, ...], ...]
    start: int
    end: int
    ranked: bool


def read_ranking(reply: Reply, names: Window) -> Parsed:
    """`[2] > [1] = [3]`, where tied passages come in incoming order; also as a list or in one pair of brackets."""
    text = in_brackets(reply.text, names)
    return _ordered(text, list(names.in_brackets.finditer(text)), names, reply.notes)


def read_names(reply: Reply, names: Window) -> Parsed:
    """`PASSAGE3, PASSAGE1`, with or without brackets: LRL, arXiv 2305.02156."""
    text = reply.text.translate(_DRESS)
    found = list(re.finditer(rf"(?<![^\W_])(?i:passage)[ _#]?({names.token})(?!\w)", text))
    return _ordered(text, found, names, reply.notes) if found else read_ranking(reply, names)


def read_json(reply: Reply, names: Window) -> Parsed:
    """`{"ranking": ["3", "1"]}`, or the list alone; names as text or as whole numbers."""
    value = loose_json(reply.text)
    prose = [] if reply.text[0] in "{[`" else ["prose around the answer"]
    parsed = by_order(([name_of(item, names)] for item in _listed(value)), names, (*reply.notes, *prose))
    if parsed.order and isinstance(value, dict):
        return parsed
    ranked = read_ranking(reply, names)  # `[2] > [1]` holds lists as well.
    return ranked if len(ranked.order) > len(parsed.order) else parsed


def name_of(item: Any, names: Window) -> str:
    """The name in a JSON value: `3`, `"[3]"`, `"Passage 3"` or `{"id": 3}`."""
    if isinstance(item, dict):
        item = next((item[field] for field in _NAMES_IN_ITEM if field in item), None)
    if isinstance(item, float) and item.is_integer():
        item = int(item)
    text = str(item).strip()
    found = names.in_brackets.fullmatch(text if text.startswith("[") else f"[{text}]")
    return found[1] if found else text


def _listed(value: Any) -> list[Any]:
    """The list that a value is, or that one of its fields is."""
    if isinstance(value, dict):
        value = next((value[field] for field in (*_FIELDS, *value) if isinstance(value.get(field), list)), None)
    return value if isinstance(value, list) else []


def in_brackets(text: str, names: Window) -> str:
    """The text with each name in brackets of its own: `[2, 1]` and lines such as `2 > 1` are rewritten."""
    text = re.sub(r"\[\s*+(?=\[)", "", text.translate(_DRESS))
    text = re.sub(rf"\A({names.token})\s?\]", r"[\1]", text)  # The prompt ended with the first bracket.
    name = rf"\s*+(?:{names.token})(?!\w)\s*+"
    joined = rf"{name}(?:(?:{_ABOVE}|[=,;，、]){name})++"
    text = re.sub(rf"\[({joined})\]", lambda found: _each_bracketed(found[1], names), text)
    name = rf"[^\S\n]*+(?:\[(?:{names.token})\]|(?:{names.token})(?!\w))[^\S\n]*+"
    line = rf"^([\w ]{{0,40}}:)?({name}(?:(?:{_ABOVE}|=)++{name})++)\.?$"
    return re.sub(line, lambda found: (found[1] or "") + _each_bracketed(found[2], names), text, flags=re.MULTILINE)


def _each_bracketed(joined: str, names: Window) -> str:
    return re.sub(rf"\[?({names.token})\]?", r"[\1]", joined)


def _ordered(text: str, found: Sequence[re.Match[str]], names: Window, notes: Sequence[str]) -> Parsed:
    """The best run of names, or, where none has two, all of them in the order in which they stand."""
    if not found:
        return by_order([], names, notes)
    scattered = Run(tuple((str(each[1]),) for each in found), found[0].start(), found[-1].end(), ranked=False)
    run = _best(list(runs(text, found)), names) or scattered
    aside = f"{text[: run.start]} {text[run.end :]}"
    prose = ["prose around the answer"] if (run is scattered and len(found) > 1) or _LETTER.search(aside) else []
    return by_order(run.groups, names, (*notes, *prose))


def runs(text: str, found: Sequence[re.Match[str]]) -> Iterator[Run]:
    """Names with nothing but signs between them."""
    held: list[list[str]] = []
    start, end, ranked = 0, 0, False
    for each in found:
        between = text[end : each.start()]
        if held and len(between) <= _LONGEST_JOINT and _JOINT.fullmatch(between):
            ranked = ranked or bool(_RANKED.search(between))
            held.append([each[1]]) if not _TIE.fullmatch(between) else held[-1].append(each[1])
        else:
            if held:
                yield Run(tuple(map(tuple, held)), start, end, ranked)
            held, start, ranked = [[each[1]]], each.start(), False
        end = each.end()
    if held:
        yield Run(tuple(map(tuple, held)), start, end, ranked)


def _best(runs: Sequence[Run], names: Window) -> Run | None:
    """The last run that names at least half as many passages as the longest does, one with signs if there is one.

    A model that explains itself afterwards repeats parts of its ranking; one that thinks again writes a whole one.
    """
    sizes = {run: len({names.place(name) for group in run.groups for name in group} - {None}) for run in runs}
    most = max(sizes.values(), default=0)
    if most < 2:
        return None
    full = [run for run in runs if sizes[run] * 2 >= most and sizes[run] >= 2]
    return next((run for run in reversed(full) if run.ranked), full[-1])
