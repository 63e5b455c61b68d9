"""The numbers in an answer: JSON, or lines of `Doc: 3, Relevance: 7.5, depth: 4`. Any text is read; none raises."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from shortlist.arrays import Floats
from shortlist.criteria.judged import key_of
from shortlist.prompts.loose_json import loose_json
from shortlist.prompts.replies import answer

Entry: TypeAlias = tuple[int | None, Mapping[str, Any]]
"""A document's number as it was written, or None where it was none; and what was said of it."""

_LABEL = re.compile(r"(?:doc(?:ument)?|passage)?[\s:_#\[(]{0,4}(-?[0-9]{1,6})[\])]?", re.IGNORECASE)
_HEAD = re.compile(r"^\W{0,8}doc(?:ument)?\b(?:[\s:#*\[(]{0,6}(-?[0-9]{1,6})(?!\.?[0-9]))?", re.IGNORECASE | re.ASCII)
_DECIMAL = r"(-?[0-9]{1,9}(?:[.,][0-9]{1,9})?)"
_PAIR = re.compile(r"([A-Za-z][^,:;|=\n]{0,60})[:=][\s*]{0,4}" + _DECIMAL, re.ASCII)
_NUMBER = re.compile(r"\s{0,4}" + _DECIMAL)
_NAMES = ("doc", "document", "id", "number", "document_number", "passage", "index")


class Scores(NamedTuple):
    """What an answer says.

    Attributes:
        rows: a row for each document of the batch and a column for each number, NaN where there is none.
        repairs: what was wrong with the answer, in words.
        discarded: rows that the model left out on purpose, where the protocol has it do so.
    """

    rows: Floats
    repairs: tuple[str, ...] = ()
    discarded: frozenset[int] = frozenset()


def read_scores(text: str, columns: Sequence[str], tops: Sequence[float], n: int) -> Scores:
    """The numbers of n documents, each from 0 to the top of its column. The first column is what no row can lack.

    Columns are the keys of names (`key_of`); upper and lower case, spaces and signs in an answer do not matter. A
    document that is named twice counts the first time. What cannot be read is missing, and shifts nothing else.
    """
    reply = answer(text)
    # Text that a passage holds may be quoted in the answer: lines, where they are complete, are not outdone by JSON.
    entries = max(list(_from_lines(reply.text)), list(_from_json(loose_json(reply.text))), key=len)
    rows, repairs = _filled(entries, columns, tops, n)
    return Scores(rows, (*reply.notes, *repairs))


def named(text: str) -> frozenset[int]:
    """The documents, from 1, that lines of the answer begin with, whatever is said of them."""
    return frozenset(number for number, _ in list(_from_lines(answer(text).text)) if number is not None)


def tallied(repairs: Iterable[str]) -> tuple[str, ...]:
    """Repairs of many answers as one list: `2 repeated` and `1 repeated` are `3 repeated`."""
    counts: Counter[str] = Counter()
    numbered: set[str] = set()
    for repair in repairs:
        count, _, what = repair.partition(" ")
        if count.isdecimal() and count.isascii() and len(count) < 10:
            counts[what] += int(count)
            numbered.add(what)
        else:
            counts[repair] += 1
    return tuple(_tally(what, count, numbered=what in numbered) for what, count in counts.items())


def _tally(what: str, count: int, *, numbered: bool) -> str:
    if numbered:
        return f"{count} {what}"
    return what if count == 1 else f"{what} (in {count} answers)"


def number(value: object, top: float) -> tuple[float, bool]:
    """A number from 0 to `top`, NaN where there is none; and whether it had to be brought into that range."""
    if isinstance(value, str):
        found = _NUMBER.match(value)
        value = float(found[1].replace(",", ".")) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan, False
    clipped = min(max(value, 0), top)  # an integer may be too large for a float
    return (math.nan, False) if value != value else (float(clipped), clipped != value)  # noqa: PLR0124


def _filled(
    entries: Sequence[Entry], columns: Sequence[str], tops: Sequence[float], n: int
) -> tuple[Floats, tuple[str, ...]]:
    rows = np.full((n, len(columns)), np.nan)
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    for place, said in entries:
        if place is None or not 1 <= place <= n:
            counts["documents that are not there"] += 1
        elif place in seen:
            counts["documents repeated"] += 1
        else:
            read = [number(said.get(column), top) for column, top in zip(columns, tops, strict=True)]
            if not math.isnan(read[0][0]):
                seen.add(place)
            counts["numbers out of range"] += sum(clipped for _, clipped in read)
            counts["numbers missing"] += sum(math.isnan(value) for value, _ in read)
            # Without its relevance a document has no score, whatever else was said of it.
            rows[place - 1] = np.nan if math.isnan(read[0][0]) else [value for value, _ in read]
    return rows, tuple(f"{count} {what}" for what, count in counts.items() if count)


def _from_json(value: object) -> Iterator[Entry]:
    """Entries of `{"scores": {"1": {...}}}`, with or without the outer name, or of a list with the documents named."""
    value = _unwrapped(value)
    if isinstance(value, Mapping):
        yield from ((_place(label), _keyed(said)) for label, said in value.items() if _LABEL.fullmatch(str(label)))
    elif isinstance(value, list):
        for said in map(_keyed, (each for each in value if isinstance(each, Mapping))):
            yield _place(next((said[name] for name in _NAMES if name in said), None)), said


def _unwrapped(value: object) -> object:
    """What stands under the one name of an object, where that is a list, or entries by document."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    (inner,) = value.values()
    entries = isinstance(inner, Mapping) and any(_place(label) is not None for label in inner)
    return inner if entries or isinstance(inner, list) else value


def _keyed(said: object) -> dict[str, Any]:
    """What was said under the keys of its names; a bare number is the relevance."""
    if isinstance(said, Mapping):
        return {key_of(str(name)): value for name, value in said.items()}
    return {"relevance": said}


def _place(label: object) -> int | None:
    if isinstance(label, int) and not isinstance(label, bool):
        return label
    found = _LABEL.fullmatch(label) if isinstance(label, str) else None
    return int(found[1]) if found else None


def _from_lines(text: str) -> Iterator[Entry]:
    """One entry for each line that begins with a document's number, with the lines below it up to the next."""
    said: dict[str, Any] | None = None
    for line in text.splitlines():
        if line.lstrip().startswith(">"):
            continue  # quoted
        head = _HEAD.match(line)
        if head:
            said = {}
            yield (int(head[1]) if head[1] else None), said
            line = line[head.end() :]  # noqa: PLW2901
        if said is not None:
            for label, value in _PAIR.findall(line):
                said.setdefault(key_of(label.partition("(")[0]), value)  # "Relevance (0-10): 7" is relevance
