"""A drawing with the words below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shortlist.drawing.drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTERS = 12.0
"""Size of letters, in units that are pixels of a phone."""


@dataclass(frozen=True)
class Picture:
    """A drawing in the report.

    Attributes:
        drawing: the picture itself.
        caption: in words, what it shows and what to see in it.
    """

    drawing: Drawing
    caption: str


def legible(axes: Axes) -> None:
    """Give the letters along both axes the size that can be read on a phone."""
    axes.tick_params(labelsize=LETTERS)
    axes.xaxis.label.set_fontsize(LETTERS)
    axes.yaxis.label.set_fontsize(LETTERS)
