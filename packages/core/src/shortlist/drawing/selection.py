"""How a diverse selection went, pick by pick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shortlist.drawing.drawing import Drawing, clean, drawn
from shortlist.drawing.reading import LIKENESS
from shortlist.drawing.theme import FIRST, MUTED, SECOND
from shortlist.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from shortlist.ranking import Ranked, Ranking

_HEIGHT = 250.0


def selection(ranking: Ranking, top: int) -> Drawing:
    """Relevance and likeness to what was picked before, at each of the first picks.

    Raises:
        InputError: the ranking's reasons tell no relevance: it was not made by a diverse selection.
    """
    items = list(ranking.kept[:top])
    relevance = [item.reasons.get("relevance") for item in items]
    if not items or any(not isinstance(value, float) for value in relevance):
        raise InputError("no trace of picks: only diverse selections, such as mmr or xquad, leave one in the reasons")
    title = f"Pick by pick: {clean(ranking.query, 60)}"
    return drawn(title, _words(items), _HEIGHT, lambda figure: _paint(figure, items))


def _paint(figure: Figure, items: Sequence[Ranked]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = figure.add_subplot()
    places = range(1, len(items) + 1)
    axes.plot(places, _values(items, "relevance"), "o-", color=FIRST, label="relevance", clip_on=False)
    if any(LIKENESS in item.reasons for item in items):
        axes.plot(
            places, _values(items, LIKENESS), "s--", color=SECOND, label="likeness to an earlier pick", clip_on=False
        )
    else:
        _subtopics(axes, items)
    for place, item in zip(places, items, strict=True):
        if "picked" in item.reasons:
            axes.axvspan(place - 0.5, place + 0.5, color=MUTED, alpha=0.15, linewidth=0)
    axes.set(xlabel="pick", ylim=(0, 1.02), xlim=(0.5, len(items) + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper left", ncols=2)


def _subtopics(axes: Axes, items: Sequence[Ranked]) -> None:
    for place, item in enumerate(items, 1):
        if name := item.reasons.get("subtopic"):
            axes.text(
                place, 0.03, clean(str(name), 26), rotation=90, ha="center", va="bottom", fontsize=10, color=SECOND
            )


def _values(items: Sequence[Ranked], name: str) -> list[float]:
    return [float(item.reasons.get(name, "nan")) for item in items]


def _words(items: Sequence[Ranked]) -> str:
    relevance = _values(items, "relevance")
    like = [value for value in _values(items, LIKENESS)[1:] if value == value]  # noqa: PLR0124 - NaN where it is not told
    told = (
        f"{len(items)} picks. Relevance goes from {relevance[0]:.2f} at the first to {relevance[-1]:.2f} at the last."
    )
    if like:
        told += f" A pick is at most {max(like):.2f} like an earlier one."
    filled = sum("picked" in item.reasons for item in items)
    return f"{told} {filled} of the last, on grey, were taken by relevance alone." if filled else told
