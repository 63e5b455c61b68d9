"""What the reasons of a ranking tell of passages and of each other: what pictures are made of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from shortlist.display import name_of

if TYPE_CHECKING:
    from shortlist.ranking import Ranked, Ranking

LIKENESS = "similarity to a pick"
"""The reason of diverse selections: how like a pick is to the nearest of those before it."""

_DROPPED_AS_LIKE = re.compile(r"(\d\.\d+) like (.+)", re.DOTALL)
_DROPPED_AS_SAME = re.compile(r"the text of (.+) again", re.DOTALL)


class Repeat(NamedTuple):
    """How like a passage is to a better one, as a cosine, and the place of that in the input; None where not told."""

    like: int | None
    similarity: float


def number(why: float | str | None) -> float | None:
    """A reason that is a number; None of any other."""
    return float(why) if isinstance(why, int | float) and math.isfinite(why) else None


def criteria_of(items: Iterable[Ranked]) -> list[str]:
    """The names of reasons that are numbers, in the order in which they come up."""
    return [*dict.fromkeys(name for item in items for name, why in item.reasons.items() if number(why) is not None)]


def places_of(ranking: Ranking) -> dict[str, int]:
    """Places in the input by what reasons call a passage: its id, or its number."""
    items = (*ranking.kept, *ranking.dropped)
    return {f"#{item.index + 1}": item.index for item in items} | {name_of(item): item.index for item in items}


def lifted(ranking: Ranking) -> dict[tuple[int, int], float]:
    """Edges from the neighbours that lifted a passage, as pairs of places; the first one brought it most."""
    places = places_of(ranking)
    found: dict[tuple[int, int], float] = {}
    for item in (*ranking.kept, *ranking.dropped):
        names = str(item.reasons.get("lifted by", ""))
        for nth, other in enumerate(split_names(names, places)):
            pair = (min(item.index, other), max(item.index, other))
            found[pair] = max(found.get(pair, 0.0), 1.0 / (1 + nth))
    return found


def split_names(names: str, places: Mapping[str, int]) -> list[int]:
    """The passages that `a, b, c` names, where an id may hold a comma itself: the longest that is one goes first."""
    parts, found = names.split(", "), []
    while parts:
        size = next((n for n in range(len(parts), 0, -1) if ", ".join(parts[:n]) in places), 0)
        if size:
            found.append(places[", ".join(parts[:size])])
        parts = parts[max(size, 1) :]
    return found


def repeats(ranking: Ranking) -> dict[int, Repeat]:
    """By place in the input, what is said again: told of picks, of near-duplicates, and of what was dropped as such."""
    places = places_of(ranking)
    told = {item.index: _repeat(item, places) for item in (*ranking.kept, *ranking.dropped)}
    return {index: repeat for index, repeat in told.items() if repeat is not None}


def dropped_as_repeat(item: Ranked) -> bool:
    """Whether it was dropped because it says again what a better one said."""
    why = str(item.reasons.get("dropped", ""))
    return bool(_DROPPED_AS_LIKE.fullmatch(why) or _DROPPED_AS_SAME.fullmatch(why))


def _repeat(item: Ranked, places: Mapping[str, int]) -> Repeat | None:
    reasons = item.reasons
    if "repeats" in reasons:  # near-duplicates
        return Repeat(places.get(str(reasons["repeats"])), number(reasons.get("similarity")) or 0.0)
    likeness = number(reasons.get(LIKENESS))
    if likeness is not None:  # which is 0 for the first pick
        return Repeat(places.get(str(reasons.get("like"))), likeness) if likeness > 0.0 else None
    why = str(reasons.get("dropped", ""))
    if found := _DROPPED_AS_LIKE.fullmatch(why):
        return Repeat(places.get(found[2]), float(found[1]))
    same = _DROPPED_AS_SAME.fullmatch(why)
    return Repeat(places.get(same[1]), 1.0) if same else None
