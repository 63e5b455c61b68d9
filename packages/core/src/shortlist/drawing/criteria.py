"""The numbers behind each passage, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shortlist.display import excerpt, name_of
from shortlist.drawing.drawing import WIDTH, Drawing, clean, drawn
from shortlist.drawing.page import page
from shortlist.drawing.reading import criteria_of, number
from shortlist.drawing.theme import FIRST, INK, MUTED
from shortlist.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from shortlist.ranking import Ranked, Ranking

_ROW, _HEAD, _NAMES = 21.0, 90.0, 128.0
_COLUMNS = 6
_SLANT = 44.0
"""Room for the name of the last column, which leans to the right."""
_STRONGEST = 0.45
"""Of a cell's colour, so that its number can be read on it."""


def criteria(ranking: Ranking, top: int) -> Drawing:
    """A row for each of the first passages, a column for the score and for each reason that is a number.

    Raises:
        InputError: no passage has such a reason.
    """
    items = list(ranking.kept[:top])
    names = criteria_of(items)
    if not names:
        raise InputError("no passage of this ranking has numbers among its reasons: there are no criteria to draw")
    columns = ["score", *names][:_COLUMNS]
    height = _HEAD + _ROW * len(items) + 6

    def paint(figure: Figure) -> None:
        axes = page(figure, height)
        for i, item in enumerate(items):
            label = clean(f"{i + 1} {name_of(item)}: {excerpt(item)}", 19)
            axes.text(4, _HEAD + _ROW * (i + 0.5), label, va="center_baseline", fontsize=10)
        for at, name in enumerate(columns):
            _column(axes, at, (WIDTH - _NAMES - _SLANT) / len(columns), name, [_value(item, name) for item in items])

    return drawn(f"What stands behind each passage: {clean(ranking.query, 60)}", _words(items, names), height, paint)


def _value(item: Ranked, name: str) -> float | None:
    return item.score if name == "score" else number(item.reasons.get(name))


def _column(axes: Axes, at: int, width: float, name: str, values: Sequence[float | None]) -> None:
    from matplotlib.patches import Rectangle

    x = _NAMES + at * width
    known = [value for value in values if value is not None]
    least, most = min(known, default=0.0), max(known, default=0.0)
    axes.text(x + width / 2 - 6, _HEAD - 6, clean(name, 16), rotation=45, ha="left", va="bottom", fontsize=10)
    for i, value in enumerate(values):
        y = _HEAD + _ROW * i
        share = 0.0 if value is None else 1.0 if most == least else (value - least) / (most - least)
        axes.add_patch(
            Rectangle((x + 1, y + 1), width - 2, _ROW - 2, color=FIRST, alpha=_STRONGEST * share, linewidth=0)
        )
        text = "–" if value is None else f"{value:.3g}"
        axes.text(
            x + width / 2,
            y + _ROW / 2,
            text,
            ha="center",
            va="center_baseline",
            fontsize=10,
            color=MUTED if value is None else INK,
        )


def _words(items: Sequence[Ranked], names: Sequence[str]) -> str:
    shown, more = ", ".join(names[: _COLUMNS - 1]), len(names) - _COLUMNS + 1
    rest = f" {more} more are not shown." if more > 0 else ""
    return (
        f"The score and the reasons {shown} of the first {len(items)} passages, best first. "
        f"The darker a cell, the higher the number within its column.{rest}"
    )
