"""Readers of replies that pick one: a passage of the window, or a number of a scale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from shortlist.prompts.replies import Reply
from shortlist.prompts.window import WORDS, Parsed, Window

_EMPHASIS = str.maketrans("", "", "*`")
# A number that is not part of a word, of a longer number or of a range such as 0~10.
_NUMBER = r"(?<![\w.~–])(-?[0-9]{1,12}(?:\.[0-9]{1,12})?)(?![\w~–]|\.[0-9]|\s?-\s?[0-9]|\s(?:to|~)\s)"
_LEAD = r"(?:[\w ',\"-]{0,80}(?:[:=：]|\bis\b)[ \"']*)?"
_LINE_NUMBER = re.compile(
    rf"^[ \"'(\[{{]{{0,8}}{_LEAD}{_NUMBER}(?:\s?(?:/|out of)\s?[0-9]{{1,4}})?[ .)\]}}\"']{{0,8}}$",
    re.MULTILINE | re.IGNORECASE,
)
_SAID_NUMBER = re.compile(
    r"(?:scores?|scored|rating|relevan(?:ce|cy)|grade|answer|rated?|boxed)[\"'\]\s]{0,4}"
    rf"(?:(?:is|of|as|at|would|be|this|it|an?)\s){{0,3}}[\s:={{\[(\"']{{0,6}}{_NUMBER}",
    re.IGNORECASE,
)
_OUT_OF = re.compile(rf"{_NUMBER}\s?(?:/|out of)\s?[0-9]", re.IGNORECASE)
_ANY_NUMBER = re.compile(_NUMBER)


def read_pick(reply: Reply, names: Window) -> Parsed:
    """`Passage B`, `[B]` or `B` alone, of Setwise, PRP and duo prompts: the one place of the order."""
    text = reply.text.translate(_EMPHASIS)
    *sure, mentioned = _patterns(names)
    strange = 0
    for pattern in (*sure, mentioned):
        found = [(match.start(), _last_group(match)) for match in pattern.finditer(text)]
        known = [(start, name) for start, name in found if names.place(name) is not None]
        strange = max(strange, len(found) - len(known))
        if known:
            name = known[-1][1] if pattern is not mentioned else _first_of_last_line(known, text)
            return _picked(name, known, names, reply.notes)
    return Parsed((), {}, _with_strange(reply.notes, strange))


def read_answer(reply: Reply, names: Window) -> Parsed:
    """`<answer>[3]</answer>` of Rank-R1, arXiv 2503.06034: the one place of the order."""
    notes = reply.notes if reply.tagged else (*reply.notes, "no answer tags")
    return read_pick(reply._replace(notes=notes), names)


def read_number(reply: Reply, names: Window) -> Parsed:
    """`7`, `Score: 7` or `7/10`: the allowed value that is nearest is the one place, and the number its score."""
    values = {place: value for place, name in enumerate(names.ids) if (value := _value(name)) is not None}
    text = reply.text.translate(_EMPHASIS)
    lowest, highest = min(values.values(), default=math.inf), max(values.values(), default=-math.inf)
    strange = 0
    for found in _numbers(text, tagged=reply.tagged):
        inside = [number for number in found if lowest <= number <= highest]
        strange = max(strange, len(found) - len(inside))
        if inside:
            place = min(values, key=lambda place: abs(values[place] - inside[-1]))
            return Parsed((place,), {place: inside[-1]}, reply.notes)
    return Parsed((), {}, _with_strange(reply.notes, strange))


def _numbers(text: str, *, tagged: bool) -> Iterator[list[float]]:
    """What could be the number, the surest first; a lone number in prose only where tags say that it is the answer."""
    for pattern in (_LINE_NUMBER, _SAID_NUMBER, _OUT_OF):
        yield [float(match[1]) for match in pattern.finditer(text)]
    every = {float(match[1]) for match in _ANY_NUMBER.finditer(text)}
    if tagged and len(every) == 1:
        yield list(every)


def _value(name: str) -> float | None:
    """The number that an allowed value is."""
    value = float(name) if re.fullmatch(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?", name) else math.nan
    return value if math.isfinite(value) else None


@lru_cache(maxsize=256)
def _patterns(names: Window) -> tuple[re.Pattern[str], ...]:
    """What to look for, the surest first; the name is the last group. The last is any mention at all.

    Letters are read in their own case: those of ordinary words are no names.
    """
    token = names.token
    worded = rf"(?i:{WORDS})[ :#]{{1,2}}[\[(]?({token})[\])]?(?![\w'’])"
    mention = rf"(?<![\w])(?:{worded}|\[({token})\])"
    alone = rf"^[ \"'(]{{0,8}}(?i:{_LEAD})(?i:{WORDS}[ :#]{{0,2}})?[\[(]?(?<!\w)({token})[\])]?[ .\"')]{{0,8}}$"
    headed = [r"\A([a-z])\.?\Z", rf"\A[\"'\[(]?({token})[\])]?[.):]\s"] if names.kind == "letters" else []
    chosen = rf"\b(?i:answer|choose|chose|choice|pick|select|prefer)\w*\b[^.\n\[]{{0,60}}?{mention}"
    better = rf"{mention}(?:(?!\b(?:not|less)\b)[^.\n]){{0,40}}?\b(?:most|more|best|better)\b"
    looked_for = [alone, *headed, f"{chosen}|{better}", mention]
    return tuple(re.compile(each, re.MULTILINE) for each in looked_for)


def _last_group(match: re.Match[str]) -> str:
    return str(match[match.lastindex or 0])


def _first_of_last_line(known: Sequence[tuple[int, str]], text: str) -> str:
    """Of names that are only mentioned, the first in the last line that mentions any."""
    line = text.rfind("\n", 0, known[-1][0])
    return next(name for start, name in known if start > line)


def _picked(name: str, known: Sequence[tuple[int, str]], names: Window, notes: Sequence[str]) -> Parsed:
    places = {names.place(other) for _, other in known}
    several = [f"{len(places)} named, one taken"] if len(places) > 1 else []
    place = names.place(name)
    return Parsed(() if place is None else (place,), {}, (*notes, *several))


def _with_strange(notes: tuple[str, ...], strange: int) -> tuple[str, ...]:
    return (*notes, f"{strange} out of range") if strange else notes
