"""Quality against cost, with what nothing beats in both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shortlist.drawing.drawing import drawn
from shortlist.drawing.theme import FIRST, INK, MUTED, SURFACE
from shortlist.evaluation.report.findings import Findings
from shortlist.evaluation.report.picture import Picture
from shortlist.evaluation.report.words import figure as told
from shortlist.evaluation.report.words import listed, seconds, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 290.0


@dataclass(frozen=True)
class Axis:
    """A kind of cost.

    Attributes:
        name: of the field of `Cost`.
        title: below the axis.
        tell: a value in words.
    """

    name: str
    title: str
    tell: Callable[[float | None], str]


SECONDS = Axis("seconds", "time per question", seconds)
AXES = (
    SECONDS,
    Axis("money", "money per question", lambda value: "unknown" if value is None else f"{value:.3g}"),
    Axis("flops", "floating-point operations per question", short),
    Axis("tokens_in", "tokens read per question", short),
)


@dataclass(frozen=True)
class _Chart:
    """What is drawn: costs by run, those of the frontier from cheap to dear, and where a cost of 0 stands."""

    findings: Findings
    axis: Axis
    costs: Mapping[str, float]
    best: list[str]

    @property
    def least(self) -> float:
        return min(cost for cost in self.costs.values() if cost > 0.0)

    @property
    def free(self) -> bool:
        return 0.0 in self.costs.values()

    def x(self, run: str) -> float:
        """A cost of 0 has no place on a logarithmic axis: it stands left of all others."""
        return self.costs[run] or self.least / 6.0


def pictures(findings: Findings) -> list[Picture]:
    """Against time, and against the first other cost of which enough is known."""
    time, *others = AXES
    told = [
        axis for axis in others if len({findings.cost(row.run, axis.name) for row in findings.rows} - {None, 0.0}) > 2
    ]
    found = [against(findings, axis) for axis in (time, *told[:1])]
    return [picture for picture in found if picture]


def against(findings: Findings, axis: Axis) -> Picture | None:
    """A point for each run whose cost is known; None where there are not two of them that cost anything."""
    costs = {row.run: cost for row in findings.rows if (cost := findings.cost(row.run, axis.name)) is not None}
    if sum(cost > 0.0 for cost in costs.values()) < 2:
        return None
    chart = _Chart(findings, axis, costs, findings.frontier(axis.name))
    title = f"{findings.measure} against {axis.title}"
    words = "; ".join(
        f"{findings.called(name)}: {told(findings.row(name).mean)} at {axis.tell(cost)}" for name, cost in costs.items()
    )
    return Picture(drawn(title, words, _HEIGHT, lambda figure: _paint(figure, chart)), _caption(chart))


def _caption(chart: _Chart) -> str:
    findings = chart.findings
    rest = [row.run for row in findings.rows if row.run not in chart.costs]
    missing = f" {listed(rest)}: nobody measured it, so there is no point." if rest else ""
    free = " What took nothing stands at 0, left of the scale." if chart.free else ""
    return (
        f"Each number is a pipeline: the higher, the better its order; the further left, the less it takes. The line "
        f"joins the efficient frontier: {listed([findings.called(name) for name in chart.best])}. For each point that "
        f"is not filled there is a filled one that is as good or better and takes no more. Thin upright lines are "
        f"{findings.confidence} intervals, at the true cost where circles had to be moved apart; the dashed line is "
        f"the baseline.{free}{missing}"
    )


def _paint(figure: Figure, chart: _Chart) -> None:
    findings, axis = chart.findings, chart.axis
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.axhline(findings.baseline.mean, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    way = [chart.x(name) for name in chart.best], [findings.row(name).mean for name in chart.best]
    axes.plot(*way, color=FIRST, linewidth=1.8, zorder=2, drawstyle="steps-post")
    for name, moved in _apart(chart).items():
        _point(axes, chart, name, moved)
    axes.set(xlabel=axis.title, ylabel=findings.measure)
    axes.margins(x=0.09, y=0.06)
    _ticks(axes, chart)


def _apart(chart: _Chart) -> dict[str, float]:
    """Where each point's circle stands: at its cost, or right of it where another circle would cover it."""
    costs = np.log([chart.x(name) for name in chart.costs])
    rows = [chart.findings.row(name) for name in chart.costs]
    wide = _CIRCLE[0] * float(np.ptp(costs))
    high = _CIRCLE[1] * (max(row.high for row in rows) - min(row.low for row in rows))
    placed: list[tuple[float, float]] = []
    for x, row in zip(costs.tolist(), rows, strict=True):
        while any(abs(x - at) < wide and abs(row.mean - mean) < high for at, mean in placed):
            x += wide / 4  # noqa: PLW2901
        placed.append((x, row.mean))
    return {name: float(np.exp(x)) for name, (x, _) in zip(chart.costs, placed, strict=True)}


_CIRCLE = (0.055, 0.07)
"""Size of a circle as shares of the axes."""


def _point(axes: Axes, chart: _Chart, name: str, moved: float) -> None:
    row, x, chosen = chart.findings.row(name), chart.x(name), name in chart.best
    colour = FIRST if chosen else MUTED
    axes.plot((x, x), (row.low, row.high), color=colour, linewidth=0.9, alpha=0.7, zorder=3)
    axes.plot((x, moved), (row.mean, row.mean), color=colour, linewidth=0.9, zorder=3)
    fill = FIRST if chosen else SURFACE
    axes.plot(moved, row.mean, "o", markersize=15, markerfacecolor=fill, markeredgecolor=colour, zorder=4)
    number = str(chart.findings.number(name))
    letters = SURFACE if chosen else INK
    axes.text(moved, row.mean, number, color=letters, ha="center", va="center_baseline", fontsize=10, zorder=5)


def _ticks(axes: Axes, chart: _Chart) -> None:
    """At round numbers that have room, and at 0 where something stands there."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    most = max(chart.costs.values())
    subs = next(steps for steps, room in _STEPS if most / chart.least > room)
    rounds = LogLocator(subs=subs, numticks=99).tick_values(chart.least, most)
    shown = [float(tick) for tick in rounds if chart.least / 1.2 <= tick <= most * 1.2]
    shown = shown[:: 1 + len(shown) // 6]
    zero = chart.least / 6.0
    axes.xaxis.set_major_locator(FixedLocator([zero, *shown] if chart.free else shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _place: "0" if x == zero else chart.axis.tell(x)))


_STEPS = (((1.0,), 300.0), ((1.0, 3.0), 20.0), ((1.0, 2.0, 5.0), 4.0), (tuple(range(1, 10)), 0.0))
"""Marks within a power of ten, and how wide the range must be for them."""
