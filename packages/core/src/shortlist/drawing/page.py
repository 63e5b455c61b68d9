"""Axes for pictures that are set like a page: units from the top left corner, no frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shortlist.drawing.drawing import WIDTH
from shortlist.drawing.theme import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def page(figure: Figure, height: float) -> Axes:
    """Axes over the whole figure."""
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    return axes


def heading(axes: Axes, x: float, y: float, text: str, side: str = "left") -> None:
    """A word above a column."""
    axes.text(x, y, text, color=MUTED, ha=side, va="center", fontsize=10)
