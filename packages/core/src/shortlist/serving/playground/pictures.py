"""What the page draws of a ranking: movement, criteria, edges, redundancy, the cut, and what it took."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from shortlist.display import reasons_text
from shortlist.drawing.reading import criteria_of, dropped_as_repeat, lifted, number, repeats
from shortlist.ranking import Ranked, Ranking

_CHANCE = re.compile(r"with a chance of (\d*\.?\d+)")
"""How cuts that promise a chance say which."""
_SHARES = ("chance of all", "share reached", "share covered", "confidence")
"""Reasons that tell, at the last passage kept, how sure the cut is."""


def picture(ranking: Ranking) -> dict[str, Any]:
    """All of it, JSON-ready; passages go by their places in the input."""
    return {
        "movement": list(_movement(ranking)),
        "criteria": _criteria(ranking),
        "edges": [[a, b, weight] for (a, b), weight in sorted(lifted(ranking).items())],
        "redundancy": [{"index": i, **each._asdict()} for i, each in sorted(repeats(ranking).items())],
        "cut": cut(ranking),
        "cost": _cost(ranking),
        "explain": ranking.explain(),
    }


def _movement(ranking: Ranking) -> Iterator[dict[str, Any]]:
    """Kept passages, best first, then the dropped ones."""
    for rank, item in enumerate(ranking.kept, 1):
        yield _moved(item, rank, reasons_text(item))
    for item in ranking.dropped:
        yield _moved(item, None, ranking.why_dropped(item))


def _moved(item: Ranked, after: int | None, why: str) -> dict[str, Any]:
    return {
        "index": item.index,
        "id": item.passage.id,
        "text": item.passage.text,
        "before": item.index + 1,
        "after": after,
        "score": number(item.score),
        "why": why,
        "reasons": {name: why if isinstance(why, str) else number(why) for name, why in item.reasons.items()},
    }


def _criteria(ranking: Ranking) -> list[dict[str, Any]]:
    """For each reason that is a number, its values by place in the input; None where a passage has none."""
    items = sorted((*ranking.kept, *ranking.dropped), key=lambda item: item.index)
    return [
        {"name": name, "values": [number(item.reasons.get(name)) for item in items]}
        for name in criteria_of((*ranking.kept, *ranking.dropped))
    ]


def cut(ranking: Ranking) -> dict[str, Any] | None:
    """After which rank the list ends, why, and how sure that is; None where it does not end early.

    A passage that was dropped because it repeats another says nothing of where the list ends.
    """
    first = ranking.kept[0] if ranking.kept else None
    if first is not None and "abstain" in first.reasons:  # all are kept, and none of them will do
        return {"at": 0, "why": str(first.reasons["abstain"]), "confidence": number(first.reasons.get("confidence"))}
    lost = next((item for item in ranking.dropped if not dropped_as_repeat(item)), None)
    if lost is None:
        return None
    why = ranking.why_dropped(lost)
    return {"at": len(ranking.kept), "why": why, "confidence": _confidence(ranking, lost, why)}


def _confidence(ranking: Ranking, lost: Ranked, why: str) -> float | None:
    if stated := _CHANCE.search(why):
        return float(stated[1])
    last = ranking.kept[-1] if ranking.kept else lost
    return next((number(last.reasons[name]) for name in _SHARES if name in last.reasons), None)


def _cost(ranking: Ranking) -> dict[str, Any]:
    used = asdict(ranking.usage)
    return {
        name: number(used[name]) if isinstance(used[name], float) else used[name]
        for name in ("seconds", "calls", "tokens_in", "tokens_out", "flops", "money", "hits")
    }
