"""What tuning found, as a value: the pipeline, the honest figure, and how both came about."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.tuning.trials import Trial
from shortlist.reranker.base import Reranker
from shortlist.reranker.registry import from_dict


@dataclass(frozen=True)
class Figure:
    """A mean over questions, with the interval of the mean.

    Attributes:
        mean: of the questions.
        low: end of the interval.
        high: other end.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Fold:
    """A part of the questions, and the pipeline that was chosen on the others.

    Attributes:
        questions: ids of the part.
        chosen: the expression that was chosen without them.
        inside: its mean over the questions that it was chosen on.
        outside: its mean over the part.
        tried: how many pipelines the search tried.
    """

    questions: tuple[str, ...]
    chosen: str
    inside: float
    outside: float
    tried: int


@dataclass(frozen=True)
class Spent:
    """What tuning took.

    Attributes:
        seconds: on the wall clock.
        pipelines: that were tried, in all searches together.
        answers: that models gave, the cache's not counted.
        money: that was paid for them; 0 where nothing has a price.
    """

    seconds: float
    pipelines: int
    answers: int
    money: float


@dataclass(frozen=True)
class Tuned:
    """The pipeline that was chosen on all questions, and how good pipelines are that are chosen so.

    Attributes:
        expression: of the pipeline.
        pipeline: as `Reranker.to_dict` writes it.
        measure: as it prints.
        questions: ids of the questions that the measure says something of, in order.
        values: of those questions, each by the pipeline that was chosen without it, shape (n,).
        first_stage: of the order that was found, shape (n,).
        nested: mean of `values`: what to expect of the pipeline on new questions like these.
        gain: mean of `values` less `first_stage`.
        optimistic: mean of the pipeline on the questions that it was chosen on: too high, as the best of many.
        folds: the parts that `nested` is made of.
        trials: of the search on all questions, best first; those beyond a limit stand last.
        cost: of a question, on the mean, when nothing is in a cache: measured on some of the questions.
        spent: what the tuning took.
        confidence: of the intervals.
        seed: of splits, proposals and resamples.
    """

    expression: str
    pipeline: Mapping[str, Any]
    measure: str
    questions: tuple[str, ...]
    values: Floats
    first_stage: Floats
    nested: Figure
    gain: Figure
    optimistic: float
    folds: tuple[Fold, ...]
    trials: tuple[Trial, ...]
    cost: Cost
    spent: Spent
    confidence: float
    seed: int

    @property
    def reranker(self) -> Reranker:
        """The pipeline, ready to rank."""
        return from_dict(self.pipeline)

    def of_others(self, n: int) -> Figure:
        """`nested`, with the interval in which the mean of n new questions is to be expected.

        It is the wider the fewer they are: the mean of a sample lies further from this one than the true mean does.
        """
        wider = math.sqrt(1.0 + len(self.questions) / n)
        mean, low, high = self.nested.mean, self.nested.low, self.nested.high
        return Figure(mean, mean - wider * (mean - low), mean + wider * (high - mean))

    def write(self, path: str | Path) -> None:
        """Write the pipeline to a .json file, which `shortlist.load`, the command line and the frameworks read.

        Raises:
            InputError: it is no .json file, or cannot be written.
        """
        path = Path(path)
        if path.suffix != ".json":
            raise InputError(f"a pipeline is read from a .json file, not from {path}")
        try:
            path.write_text(json.dumps(self.pipeline, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InputError(f"cannot write {path}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: all but the value of each trial for each question, of which the mean is there."""
        values = zip(self.questions, self.values.tolist(), self.first_stage.tolist(), strict=True)
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {
            **plain,
            "pipeline": dict(self.pipeline),
            **{name: asdict(getattr(self, name)) for name in ("nested", "gain", "cost", "spent")},
            "folds": [asdict(fold) for fold in self.folds],
            "trials": [_told(trial) for trial in self.trials],
            "questions": [{"id": name, "value": mine, "first_stage": found} for name, mine, found in values],
        }


_PLAIN = ("expression", "measure", "optimistic", "confidence", "seed")


def _told(trial: Trial) -> dict[str, Any]:
    return {
        "expression": trial.expression,
        "mean": float(trial.values.mean()),
        "failure": trial.failure,
        "cost": asdict(trial.cost),
    }
