"""A drawing with the words below it."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.drawing.drawing import Drawing


@dataclass(frozen=True)
class Picture:
    """A drawing in the report.

    Attributes:
        drawing: the picture itself.
        caption: in words, what it shows and what to see in it.
    """

    drawing: Drawing
    caption: str
