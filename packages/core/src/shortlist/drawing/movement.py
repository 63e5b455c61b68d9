"""Where passages stood before, and where they stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shortlist.drawing.drawing import Drawing, clean, drawn
from shortlist.drawing.page import heading, page
from shortlist.drawing.theme import FIRST, INK, LINE, MUTED, SECOND, SURFACE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _TOP = 21.0, 34.0
_LEFT, _RIGHT, _TEXT = 30.0, 118.0, 152.0
_LETTERS = 32


@dataclass(frozen=True)
class Passed:
    """A passage on its way.

    Attributes:
        label: what stands at its end.
        before: its rank before, from 1; None where it was not there.
        after: its rank now; None where it was dropped.
        relevant: whether judges found it relevant; None where nobody asks.
    """

    label: str
    before: int | None
    after: int | None
    relevant: bool | None = None


def movement(title: str, passed: Sequence[Passed], *, top: int, sides: tuple[str, str] = ("before", "now")) -> Drawing:
    """A line for each passage that was or is among the first `top`, from its old rank to its new one."""
    shown = [each for each in passed if min(_rank(each.before, top), _rank(each.after, top)) <= top]
    rows = min(top, max((_rank(side, top) for each in shown for side in (each.before, each.after)), default=1))
    below = any(_rank(side, top) > top for each in shown for side in (each.before, each.after))
    height = _TOP + _ROW * (rows + (1.0 if below else 0.2))

    def paint(figure: Figure) -> None:
        axes = page(figure, height)
        for x, side, word in ((_LEFT, "center", sides[0]), (_RIGHT, "center", sides[1])):
            heading(axes, x, 12.0, clean(word, 14), side)
        for each in sorted(shown, key=lambda each: each.after == each.before, reverse=True):
            _line(axes, each, rows)
        if below:
            for x in (_LEFT, _RIGHT):
                heading(axes, x, height - 9.0, "below", "center")

    return drawn(title, _words(shown, top), height, paint)


def _rank(place: int | None, top: int) -> int:
    return top + 1 if place is None else min(place, top + 1)


def _y(rank: int, rows: int) -> float:
    return _TOP + _ROW * (min(rank - 0.5, rows + 0.1))


def _line(axes: Axes, each: Passed, rows: int) -> None:
    start, end = _rank(each.before, rows), _rank(each.after, rows)
    colour = MUTED if each.before == each.after else FIRST if end < start or each.before is None else SECOND
    ends = (_y(start, rows), _y(end, rows))
    axes.plot((_LEFT + 11, _RIGHT - 11), ends, color=colour, linewidth=1.6, alpha=0.85, solid_capstyle="round")
    if start <= rows:
        _dot(axes, (_LEFT, ends[0]), start, each)
    if end <= rows:
        _dot(axes, (_RIGHT, ends[1]), end, each)
        _label(axes, ends[1], each, colour)


def _dot(axes: Axes, at: tuple[float, float], rank: int, each: Passed) -> None:
    """Relevant passages are filled, others are rings."""
    full = bool(each.relevant)
    axes.plot(*at, "o", markersize=16, markerfacecolor=INK if full else SURFACE, markeredgecolor=INK if full else LINE)
    axes.text(*at, str(rank), ha="center", va="center_baseline", fontsize=10, color=SURFACE if full else INK)


def _label(axes: Axes, y: float, each: Passed, colour: str) -> None:
    sign = "=" if each.before == each.after else "▲" if colour == FIRST else "▼"
    axes.text(_RIGHT + 14, y, sign, color=colour, va="center_baseline", fontsize=10)
    axes.text(_TEXT, y, clean(each.label, _LETTERS), va="center_baseline", fontsize=10)


def _words(shown: Sequence[Passed], top: int) -> str:
    up = sum(_rank(each.after, top) < _rank(each.before, top) for each in shown)
    down = sum(_rank(each.after, top) > _rank(each.before, top) for each in shown)
    entered = sum(_rank(each.before, top) > top for each in shown)
    left = sum(_rank(each.after, top) > top for each in shown)
    judged = " Filled numbers are relevant passages." if any(each.relevant is not None for each in shown) else ""
    return (
        f"Ranks before on the left, now on the right, down to {top}. {up} passages rose, {down} fell; "
        f"{entered} came from below rank {top}, {left} went below it.{judged}"
    )
