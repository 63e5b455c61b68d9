"""What a run tells on its way, and what it came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from shortlist.algorithms.guard import Guard
from shortlist.training.figures import Figures, as_json
from shortlist.training.loop import Epoch


class Stage(NamedTuple):
    """How far a run has come.

    Attributes:
        what: is done now.
        done: how much of it, in [0, 1].
        note: what is known so far.
    """

    what: str
    done: float
    note: str = ""


@dataclass(frozen=True)
class Data:
    """What a network learned from.

    Attributes:
        names: of the data, as whoever trained it gave them.
        licence: of the data, as whoever trained it gave it.
        training: lists that it was trained on.
        development: lists that chose the epoch and fitted the guard.
        held_out: lists that the figures are of.
        skipped: lists that were left out, since nothing in them is relevant.
    """

    names: tuple[str, ...]
    licence: str
    training: int
    development: int
    held_out: int
    skipped: int


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        folder: where the network is.
        data: how many lists were used for what.
        history: what was measured, epoch by epoch.
        best: the epoch whose weights were kept.
        guard: as fitted on the development lists.
        figures: of the held-out lists.
    """

    folder: Path
    data: Data
    history: tuple[Epoch, ...]
    best: Epoch
    guard: Guard
    figures: Figures

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        epochs = {"history": [asdict(each) for each in self.history], "best_epoch": self.best.number}
        said = {"folder": str(self.folder), "data": asdict(self.data), **epochs}
        return {**said, "guard": self.guard._asdict(), "figures": as_json(self.figures)}
