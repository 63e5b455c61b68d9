"""Pictures of a ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from shortlist.display import excerpt, name_of
from shortlist.drawing.criteria import criteria
from shortlist.drawing.drawing import Drawing as Drawing
from shortlist.drawing.drawing import clean
from shortlist.drawing.graph import Edges as Edges
from shortlist.drawing.graph import graph
from shortlist.drawing.movement import Passed, movement
from shortlist.drawing.selection import selection
from shortlist.errors import InputError

if TYPE_CHECKING:
    from shortlist.ranking import Ranking

Kind: TypeAlias = Literal["movement", "criteria", "graph", "selection"]


def draw(ranking: Ranking, kind: Kind, top: int, edges: Edges | None = None) -> Drawing:
    """The picture that `Ranking.draw` tells of."""
    if top < 1:
        raise InputError(f"top must be 1 or more, not {top}")
    if edges is not None and kind != "graph":
        raise InputError(f"edges are for the kind graph, not for {kind}")
    if kind == "graph":
        return graph(ranking, top, edges)
    if kind not in _KINDS:
        raise InputError(f"there is no kind {kind!r}; there are {', '.join([*_KINDS, 'graph'])}")
    return _KINDS[kind](ranking, top)


def _movement(ranking: Ranking, top: int) -> Drawing:
    kept = [
        Passed(f"{name_of(item)}: {excerpt(item)}", item.index + 1, rank) for rank, item in enumerate(ranking.kept, 1)
    ]
    gone = [Passed(name_of(item), item.index + 1, None) for item in ranking.dropped]
    return movement(f"Where passages went: {clean(ranking.query, 60)}", [*kept, *gone], top=top)


_KINDS = {"movement": _movement, "criteria": criteria, "selection": selection}
