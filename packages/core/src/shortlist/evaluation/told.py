"""A comparison as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shortlist.evaluation.changes import changes
from shortlist.evaluation.comparison import Comparison


def told(comparison: Comparison) -> dict[str, Any]:
    """JSON-ready; numbers that are not finite become null."""
    names = [str(measure) for measure in comparison.measures]
    written = {
        "collection": {"name": comparison.collection.name, "questions": len(comparison.collection)},
        "baseline": comparison.baseline,
        "measures": names,
        "method": asdict(comparison.method),
        "pipelines": {run.name: run.pipeline for run in comparison.runs},
        "rows": [asdict(row) for row in comparison.rows],
        "costs": [asdict(cost) for cost in comparison.costs],
        "questions": [question.id for question in comparison.collection],
        "values": {run: {name: each.tolist() for name, each in by.items()} for run, by in comparison.values.items()},
        "ceilings": {name: each.tolist() for name, each in comparison.ceilings.items()},
        "changes": {
            run.name: _changes(comparison, run.name) for run in comparison.runs if _compared(comparison, run.name)
        },
    }
    return dict(_finite(written))


def _compared(comparison: Comparison, run: str) -> bool:
    return run != comparison.baseline and not comparison.measures[0].whole


def _changes(comparison: Comparison, run: str) -> list[dict[str, Any]]:
    """By the first measure."""
    return [{**asdict(change), "gain": change.gain} for change in changes(comparison, run) if change.gain]


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
