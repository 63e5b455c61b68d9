"""What changed against the baseline: over all questions, and question by question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shortlist.arrays import Floats
from shortlist.drawing.drawing import clean, drawn
from shortlist.drawing.theme import FIRST, INK, MUTED, SECOND
from shortlist.evaluation.comparison import Row
from shortlist.evaluation.report.findings import Findings
from shortlist.evaluation.report.picture import LETTERS, Picture, legible
from shortlist.evaluation.report.words import counted, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 230.0


def gains(findings: Findings) -> Picture | None:
    """The gain of each run over the baseline with its interval, best first; None where there is no other run."""
    rows = [row for row in findings.rows if row.gain is not None]
    if not rows:
        return None
    title = f"Gain in {findings.measure} over {findings.baseline.run}"
    words = "; ".join(
        f"{row.run} {signed(row.gain)}, interval {signed(row.gain_low)} to {signed(row.gain_high)}" for row in rows
    )
    caption = (
        f"How much each pipeline gains over {findings.baseline.run}, with {findings.confidence} intervals. Filled "
        f"points are gains or losses that are sure after correction for the number of comparisons; rings are not."
    )
    height = 56.0 + 24.0 * len(rows)
    return Picture(drawn(title, words, height, lambda figure: _gains(figure, findings, rows)), caption)


def _gains(figure: Figure, findings: Findings, rows: list[Row]) -> None:
    axes = figure.add_subplot()
    axes.axvline(0.0, color=INK, linewidth=1.0)
    for y, row in enumerate(rows):
        colour = FIRST if (row.gain or 0.0) >= 0.0 else SECOND
        axes.plot((row.gain_low or 0.0, row.gain_high or 0.0), (y, y), color=colour, linewidth=2.0, alpha=0.6)
        fill = colour if findings.sure(row) else "none"
        axes.plot(row.gain or 0.0, y, "o", markersize=8, markeredgecolor=colour, markerfacecolor=fill, clip_on=False)
    labels = [clean(f"{findings.number(row.run)} {row.run}", 24) for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"gain in {findings.measure}")
    axes.grid(visible=False, axis="y")
    legible(axes)
    axes.tick_params(axis="y", length=0)


def differences(findings: Findings, run: str) -> Picture | None:
    """One bar for each question, the largest win on the left; None where the measure says nothing of questions."""
    gained = findings.gained(run)
    values = np.sort(gained[np.isfinite(gained)])[::-1]
    if run == findings.baseline.run or not len(values):
        return None
    row = findings.row(run)
    title = f"{findings.measure} of {run} less that of {findings.baseline.run}, question by question"
    counts = f"{counted(row.wins or 0, 'question')} won, {row.losses} lost, {row.ties} equal"
    heading = f"{clean(run, 22)}: {row.wins} won, {row.losses} lost, {row.ties} equal"
    words = f"{counts}. The largest win is {signed(values[0])}, the largest loss {signed(min(values[-1], 0.0))}."
    caption = (
        f"Each bar is a question, sorted by how much {run} changes its {findings.measure} against "
        f"{findings.baseline.run}. Bars above the line are wins, below it losses: {words} "
        f"All pictures of this kind have one scale."
    )
    return Picture(drawn(title, words, _HEIGHT, lambda figure: _bars(figure, findings, values, heading)), caption)


def _bars(figure: Figure, findings: Findings, values: Floats, heading: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = figure.add_subplot()
    places = np.arange(1, len(values) + 1)
    for chosen, colour in ((values > 0, FIRST), (values < 0, SECOND), (values == 0, MUTED)):
        axes.vlines(places[chosen], 0.0, values[chosen], color=colour, linewidth=max(0.8, 230.0 / len(values)))
    axes.plot(places[values == 0], values[values == 0], ".", color=MUTED, markersize=3)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set(xlabel="questions, largest gain first", ylabel=f"change in {findings.measure}")
    axes.set_title(heading, fontsize=LETTERS, loc="left")
    legible(axes)
    low, high = findings.spread
    room = 0.05 * (high - low) or 1.0
    axes.set(xlim=(0.3, len(values) + 0.7), ylim=(low - room, high + room))
    axes.grid(visible=False, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
