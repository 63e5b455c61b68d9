"""How the passages of a prompt were named, and what the names in an answer come to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

WORDS = "(?:passage|document|doc|text|candidate|identifier|id|option|#)"
"""A regular expression for what models write before a name."""

_TOKENS = MappingProxyType(
    {"numbers": r"-?[0-9]{1,12}", "letters": "[A-Z]{1,2}", "other": r"""[^\s\[\](){}<>=,;:"']{1,64}"""}
)


class Parsed(NamedTuple):
    """What a reply said.

    Attributes:
        order: places in the window that the reply named, from 0, best first; none twice.
        scores: numbers by place, from grammars that carry numbers; all of them finite.
        repairs: what was wrong with the reply, in words.
        none: whether the reply says that it names none on purpose, from grammars that have a word for it.
    """

    order: tuple[int, ...]
    scores: Mapping[int, float]
    repairs: tuple[str, ...]
    none: bool = False


@dataclass(frozen=True)
class Window:
    """The names that passages had in a prompt, by place: `("1", "2", ...)`, `("A", "B", ...)` or any others."""

    ids: tuple[str, ...]

    @cached_property
    def kind(self) -> Literal["numbers", "letters", "other"]:
        """What the names are."""
        if all(re.fullmatch("[0-9]{1,12}", name) for name in self.ids):
            return "numbers"
        return "letters" if all(re.fullmatch("[A-Z]{1,2}", name) for name in self.ids) else "other"

    @property
    def token(self) -> str:
        """A regular expression for what looks like one of the names, whether or not it is one."""
        return _TOKENS[self.kind]

    @cached_property
    def in_brackets(self) -> re.Pattern[str]:
        """Finds `[3]`, also where a word stands before the name: `[Passage 3]`. Group 1 is the name."""
        gap = {"numbers": r"[\s:#.]{0,3}", "letters": r"[\s:#.]{1,3}", "other": r"[\s:#.]{1,3}"}[self.kind]
        return re.compile(rf"\[\s{{0,4}}(?:{WORDS}s?{gap})?({self.token})\s{{0,4}}\]", re.IGNORECASE | re.ASCII)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in reversed(tuple(enumerate(self.ids)))}

    def place(self, name: str) -> int | None:
        """Where the passage of that name stands, or None. `03` is `3`, and `b` is `B`, where there is no other."""
        if name in self._places:
            return self._places[name]
        form = (name.lstrip("0") or "0") if name.isdecimal() else name.upper()
        return self._places.get(form)


@lru_cache(maxsize=256)
def window(ids: tuple[str, ...]) -> Window:
    """The window of these names; the last few are kept, with what they work out."""
    return Window(ids)


def by_order(
    groups: Iterable[Sequence[str]], names: Window, notes: Iterable[str] = (), *, whole: bool = True
) -> Parsed:
    """Names as a reply gave them, best first. Those of one group are tied, and stand in incoming order.

    Where the `whole` window was to be named, it is noted how many are missing.
    """
    found = [[names.place(name) for name in group] for group in groups]
    known = [place for group in found for place in sorted(place for place in group if place is not None)]
    order = tuple(dict.fromkeys(known))
    strange = sum(place is None for group in found for place in group)
    missing = len(names.ids) - len(order) if whole else 0
    return Parsed(order, {}, (*notes, *_counts(len(known) - len(order), strange, missing)))


def by_score(pairs: Iterable[tuple[str, float]], names: Window, notes: Iterable[str] = ()) -> Parsed:
    """Names with a number each, the highest first. Ties stand as they were given; of a name given twice, the first."""
    found = [(names.place(name), score) for name, score in pairs]
    known = [(place, score) for place, score in found if place is not None]
    scores = dict(reversed(known))
    order = tuple(sorted(dict(known), key=lambda place: -scores[place]))
    counts = _counts(len(known) - len(order), len(found) - len(known), len(names.ids) - len(order))
    return Parsed(order, {place: scores[place] for place in order}, (*notes, *counts))


def _counts(repeated: int, strange: int, missing: int) -> list[str]:
    counts = {"repeated": repeated, "out of range": strange, "missing": missing}
    return [f"{count} {what}" for what, count in counts.items() if count]
