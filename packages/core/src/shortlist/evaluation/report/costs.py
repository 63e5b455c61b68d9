"""Quality against cost, with what nothing beats in both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from shortlist.drawing.drawing import drawn
from shortlist.drawing.theme import FIRST, INK, MUTED, SURFACE
from shortlist.evaluation.report.findings import Findings
from shortlist.evaluation.report.picture import LETTERS, Picture, legible
from shortlist.evaluation.report.words import figure as told
from shortlist.evaluation.report.words import listed, seconds, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 290.0
_Place: TypeAlias = tuple[float, float]


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
    rows = [row for row in findings.rows if not math.isnan(row.mean)]
    costs = {row.run: cost for row in rows if (cost := findings.cost(row.run, axis.name)) is not None}
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
        f"Each point is a pipeline, with its number: the higher, the better its order; the further left, the less it "
        f"takes. The line joins the efficient frontier: {listed([findings.called(name) for name in chart.best])}. For "
        f"each point that is not filled there is a filled one that is as good or better and takes no more. Thin "
        f"upright lines are {findings.confidence} intervals; the dashed line is the baseline.{free}{missing}"
    )


def _paint(figure: Figure, chart: _Chart) -> None:
    findings, axis = chart.findings, chart.axis
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.axhline(findings.baseline.mean, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    way = [chart.x(name) for name in chart.best], [findings.row(name).mean for name in chart.best]
    axes.plot(*way, color=FIRST, linewidth=1.8, zorder=2, drawstyle="steps-post")
    for name, offset in _beside(chart).items():
        _point(axes, chart, name, offset)
    axes.set(xlabel=axis.title, ylabel=findings.measure)
    axes.margins(x=0.12, y=0.06)
    legible(axes)
    _ticks(axes, chart)


def _beside(chart: _Chart) -> dict[str, _Place]:
    """Where each number stands from its point, in units right and up, so that it covers no other."""
    costs = np.log([chart.x(name) for name in chart.costs])
    rows = [chart.findings.row(name) for name in chart.costs]
    span = max(row.high for row in rows) - min(row.low for row in rows)
    across, up = _AREA[0] / (float(np.ptp(costs)) or 1.0), _AREA[1] / (span or 1.0)
    points = [(cost * across, row.mean * up) for cost, row in zip(costs.tolist(), rows, strict=True)]
    taken = [*points]
    found: dict[str, _Place] = {}
    for name, (x, y) in zip(chart.costs, points, strict=True):
        side = 1.0 if name in chart.best else -1.0
        places = [(right, side * above) for right, above in _OFFSETS]
        found[name] = min(places, key=lambda each: _ill(each, (x, y), points, taken))
        taken.append((x + found[name][0], y + found[name][1]))
    return found


def _ill(offset: _Place, point: _Place, points: list[_Place], taken: list[_Place]) -> tuple[bool, bool]:
    """Whether a number there covers something, and whether it is nearer to another's point than to its own."""
    x, y = point[0] + offset[0], point[1] + offset[1]
    covers = any(abs(x - left) <= _ROOM[0] and abs(y - height) <= _ROOM[1] for left, height in taken)
    return covers, any(math.dist((x, y), other) < math.hypot(*offset) - 1.0 for other in points)


_AREA, _ROOM = (240.0, 190.0), (16.0, 12.5)
"""Units of the range of the points, and between two numbers, or a number and a point."""
_OFFSETS = tuple(
    (round(away * math.cos(turn), 1), round(away * math.sin(turn), 1))
    for away in (18.0, 28.0, 40.0, 52.0)
    for turn in (math.pi * eighth / 8 for eighth in (2, 6, 14, 10, 1, 7, 15, 9))
)


def _point(axes: Axes, chart: _Chart, name: str, offset: _Place) -> None:
    row, x, chosen = chart.findings.row(name), chart.x(name), name in chart.best
    colour = FIRST if chosen else MUTED
    axes.plot((x, x), (row.low, row.high), color=colour, linewidth=0.9, alpha=0.7, zorder=3)
    axes.plot(
        x, row.mean, "o", markersize=7, markerfacecolor=FIRST if chosen else SURFACE, markeredgecolor=colour, zorder=4
    )
    far = math.hypot(*offset) > _NEAR
    axes.annotate(
        str(chart.findings.number(name)),
        (x, row.mean),
        offset,
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.7} if far else None,
        color=FIRST if chosen else INK,
        fontweight="bold" if chosen else "normal",
        fontsize=LETTERS,
        ha="center",
        va="center",
        zorder=5,
    )


_NEAR = 19.0
"""Units from which on a line joins a number to its point."""


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
