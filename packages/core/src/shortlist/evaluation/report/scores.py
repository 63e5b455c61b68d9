"""What scores say of relevance: their distributions, and whether probabilities can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shortlist.algorithms.calibration import quality, reliability
from shortlist.arrays import Floats, Ints
from shortlist.drawing.drawing import clean, drawn
from shortlist.drawing.theme import FIRST, INK, MUTED, SECOND
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.outcome import Run
from shortlist.evaluation.report.picture import LETTERS, Picture, legible
from shortlist.evaluation.report.words import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL, _BINS = 96.0, 24
_Z = 1.96
"""Of a 95 % interval."""


@dataclass(frozen=True)
class Scored:
    """All scores that a run gave to judged passages.

    Attributes:
        run: its name.
        values: shape (n,).
        relevant: 0 or 1, shape (n,).
        ordered: share of the pairs of a relevant passage and another of one question that stand in the right order by
            score, a tie counting half; NaN without such pairs.
    """

    run: str
    values: Floats
    relevant: Ints
    ordered: float


def scored(collection: Collection, run: Run) -> Scored | None:
    """The run's scores; None where they only tell places, or no passage is judged."""
    kinds = {outcome.score_kind for outcome in run.outcomes.values() if outcome.ids}
    if not kinds or kinds & {"rank", None}:
        return None
    values, labels, right, pairs = [], [], 0.0, 0
    for question in collection:
        outcome = run.outcomes.get(question.id)
        known = (
            []
            if outcome is None
            else [
                (score, question.grades[name] >= collection.relevant)
                for name, score in zip(outcome.ids, outcome.scores, strict=True)
                if name in question.grades
            ]
        )
        one = np.array([score for score, _ in known]), np.array([label for _, label in known], dtype=bool)
        good, total = _pairs(*one)
        right, pairs = right + good, pairs + total
        values.append(one[0])
        labels.append(one[1])
    found = np.concatenate(values)
    if not len(found):
        return None
    told = np.concatenate(labels).astype(np.int64)
    return Scored(run.name, found, told, right / pairs if pairs else float("nan"))


def _pairs(scores: Floats, relevant: NDArray[np.bool_]) -> tuple[float, int]:
    above, other = scores[relevant][:, None], scores[~relevant][None, :]
    return float((above > other).sum() + 0.5 * (above == other).sum()), above.size * other.size


def distributions(found: Sequence[Scored]) -> Picture | None:
    """A panel for each run: how scores of relevant passages lie, above, and those of others, below."""
    if not found:
        return None
    rows = (len(found) + 1) // 2
    height = 30.0 + _PANEL * rows
    words = "; ".join(
        f"{one.run}: mean {_mean(one, 1)} for relevant, {_mean(one, 0)} for others, {_ordered(one)}" for one in found
    )
    caption = (
        "How often each score was given to relevant passages (up, blue) and to others that judges saw (down, orange); "
        "each side is drawn to its own height. The less the two overlap, the better the scores tell them apart. The "
        "percentage is how often, of two passages of a question, the relevant one has the higher score: 50 % is chance."
    )
    title = "Scores of relevant and of other passages"
    return Picture(drawn(title, words, height, lambda figure: _panels(figure, found, rows)), caption)


def _mean(one: Scored, label: int) -> str:
    chosen = one.values[one.relevant == label]
    return f"{chosen.mean():.3g}" if len(chosen) else "none"


def _ordered(one: Scored) -> str:
    return "no pairs" if np.isnan(one.ordered) else f"{share(one.ordered)} of pairs in order"


def _panels(figure: Figure, found: Sequence[Scored], rows: int) -> None:
    grid = figure.subplots(rows, 2, squeeze=False)
    for axes in grid.flat[len(found) :]:
        axes.axis("off")
    for axes, one in zip(grid.flat, found, strict=False):
        _panel(axes, one)


def _panel(axes: Axes, one: Scored) -> None:
    low, high = float(one.values.min()), float(one.values.max())
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    for label, colour, side in ((1, FIRST, 1.0), (0, SECOND, -1.0)):
        counts, _ = np.histogram(one.values[one.relevant == label], edges)
        heights = side * counts / max(1, counts.max())
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.85)
    axes.axhline(0.0, color=INK, linewidth=0.6)
    ordered = "" if np.isnan(one.ordered) else f" {share(one.ordered)}"
    axes.set_title(clean(one.run, 15) + ordered, fontsize=LETTERS, loc="left", pad=3.0)
    axes.set(yticks=(), ylim=(-1.05, 1.05))
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=4)
    legible(axes)


def calibration(one: Scored) -> Picture:
    """Whether probabilities can be believed: of passages given so much, the share that is relevant."""
    counts, means, shares = reliability(one.values, one.relevant)
    worth = quality(one.values, one.relevant)
    title = f"Can the probabilities of {one.run} be believed?"
    words = "; ".join(
        f"given {p:.2f}, relevant {s:.2f} of {n:.0f}" for n, p, s in zip(counts, means, shares, strict=True)
    )
    way = "too high" if one.values.mean() > one.relevant.mean() else "too low"
    caption = (
        f"{one.run}: each point is a tenth of the judged passages; the further right, the more probable the pipeline "
        f"called them, the higher, the more of them were relevant. On the dashed line they mean what they say; points "
        f"below it were promised too much. On average they are {share(worth.ece)} off (expected calibration "
        f"error) and {way}; the Brier score is {worth.brier:.3f}. Upright lines are 95 % intervals."
    )
    return Picture(drawn(title, words, 270.0, lambda figure: _diagram(figure, counts, means, shares)), caption)


def _diagram(figure: Figure, counts: Floats, means: Floats, shares: Floats) -> None:
    axes = figure.add_subplot()
    axes.plot((0, 1), (0, 1), color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    centre, half = _wilson(shares, counts)
    axes.vlines(means, centre - half, centre + half, color=FIRST, linewidth=1.2, alpha=0.6)
    axes.plot(means, shares, "o-", color=FIRST, markersize=5, linewidth=1.4, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability that was given", ylabel="share that was relevant")
    legible(axes)


def _wilson(shares: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Centre and half width of Wilson's interval of a share."""
    room = 1.0 + _Z**2 / counts
    half = _Z * np.sqrt(shares * (1.0 - shares) / counts + (_Z / (2.0 * counts)) ** 2) / room
    return (shares + _Z**2 / (2.0 * counts)) / room, half
