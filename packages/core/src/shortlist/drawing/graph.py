"""Which passages belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from shortlist.arrays import Floats, Ints
from shortlist.display import name_of
from shortlist.drawing.drawing import WIDTH, Drawing, clean, drawn
from shortlist.drawing.page import page
from shortlist.drawing.reading import lifted, places_of
from shortlist.drawing.theme import FIRST, INK, SURFACE
from shortlist.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from shortlist.ranking import Ranked, Ranking


class Graph(Protocol):
    """What a document graph has: ends of its edges, as places in the input, and their strengths; each shape (m,)."""

    @property
    def sources(self) -> Ints:
        """The one end."""

    @property
    def targets(self) -> Ints:
        """The other."""

    @property
    def strengths(self) -> Floats:
        """How strongly they belong together."""


Edges: TypeAlias = Graph | Iterable[tuple[str, str] | tuple[str, str, float]]
_Drawn: TypeAlias = Mapping[tuple[int, int], float]
_HEIGHT, _RADIUS, _LETTERS = 330.0, 108.0, 13


def graph(ranking: Ranking, top: int, edges: Edges | None) -> Drawing:
    """The first passages on a circle, best at the top and then clockwise, with an edge where two belong together.

    Raises:
        InputError: no edges are given and the reasons name none, or one is about a passage that is not in the ranking.
    """
    items = list(ranking.kept[:top])
    found = lifted(ranking) if edges is None else _given(ranking, edges)
    if not found and edges is None:
        raise InputError("no reason of this ranking tells of neighbours; give edges=, a graph or pairs of ids")
    ranks = {item.index: rank for rank, item in enumerate(items)}
    shown = {(ranks[a], ranks[b]): weight for (a, b), weight in found.items() if a in ranks and b in ranks}
    title = f"What belongs together: {clean(ranking.query, 60)}"
    return drawn(title, _words(items, shown, len(found)), _HEIGHT, lambda figure: _paint(figure, items, shown))


def _given(ranking: Ranking, edges: Edges) -> _Drawn:
    if not isinstance(edges, Iterable):
        ends = zip(edges.sources.tolist(), edges.targets.tolist(), strict=True)
        return dict(zip(ends, edges.strengths.tolist(), strict=True))
    places = places_of(ranking)
    found = {}
    for one, other, *weight in edges:
        if one not in places or other not in places:
            raise InputError(f"no passage of this ranking is called {one if one not in places else other!r}")
        found[places[one], places[other]] = float(weight[0]) if weight else 1.0
    return found


def _paint(figure: Figure, items: Sequence[Ranked], edges: _Drawn) -> None:
    axes = page(figure, _HEIGHT)
    angles = 2 * np.pi * np.arange(len(items)) / max(1, len(items))
    x, y = WIDTH / 2 + _RADIUS * np.sin(angles), _HEIGHT / 2 - _RADIUS * np.cos(angles)
    strongest = max(edges.values(), default=0.0) or 1.0
    for (a, b), weight in edges.items():
        share = weight / strongest
        axes.plot(x[[a, b]], y[[a, b]], color=FIRST, linewidth=0.6 + 2.4 * share, alpha=0.35 + 0.5 * share)
    for rank, item in enumerate(items):
        _node(axes, x[rank], y[rank], angles[rank], rank, item)


def _node(axes: Axes, x: float, y: float, angle: float, rank: int, item: Ranked) -> None:
    axes.plot(x, y, "o", markersize=17, markerfacecolor=SURFACE, markeredgecolor=INK)
    axes.text(x, y, str(rank + 1), ha="center", va="center_baseline", fontsize=10)
    out = 14.0
    side = "center" if abs(np.sin(angle)) < 0.15 else "left" if np.sin(angle) > 0 else "right"
    up = 4.0 * np.cos(angle) if side == "center" else 0.0
    at = (x + out * np.sin(angle), y - out * np.cos(angle) - up)
    axes.text(*at, clean(name_of(item), _LETTERS), ha=side, va="center_baseline", fontsize=10)


def _words(items: Sequence[Ranked], edges: _Drawn, known: int) -> str:
    degrees = np.bincount(np.array([end for pair in edges for end in pair], dtype=np.int64), minlength=len(items))
    joined = "1 edge" if len(edges) == 1 else f"{len(edges)} edges"
    told = f"{len(items)} passages, best at the top and then clockwise, with {joined} between them"
    alone = int((degrees[: len(items)] == 0).sum())
    rest = f" {known - len(edges)} edges to passages further down are not shown." if known > len(edges) else ""
    return f"{told}; the thicker, the stronger. {alone} stand alone.{rest}"
