"""CPU time of several ways to do the same, as ratios that a busy machine disturbs least."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Times = dict[str, list[float | None]]


def interleave(
    ways: Mapping[str, Callable[[], object]], rounds: Mapping[str, int], calls: Mapping[str, int] | None = None
) -> Times:
    """CPU seconds of one call of each way in each round, over `calls` calls; None in rounds that it sits out.

    All ways run in one process, in turns, and each round starts with another one.
    """
    names = list(ways)
    times: Times = {name: [] for name in names}
    for turn in range(max(rounds.values())):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(cpu_seconds(ways[name], (calls or {}).get(name, 1)) if turn < rounds[name] else None)
    return times


def cpu_seconds(function: Callable[[], object], calls: int = 1) -> float:
    """CPU seconds of one call, over all threads of this process."""
    start = time.process_time()
    for _ in range(calls):
        function()
    return (time.process_time() - start) / calls


def speed(times: Times, name: str, base: str) -> float:
    """How many times as fast as `base`: the median of the ratios of the rounds in which both ran."""
    pairs = zip(times[base], times[name], strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs if theirs and ours)


def median(times: Times, name: str) -> float:
    """CPU seconds, the median of the rounds."""
    return statistics.median(each for each in times[name] if each is not None)
