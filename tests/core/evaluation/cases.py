"""Small collections and runs to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shortlist import Passage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.outcome import Outcome, Run


def question(name: str, candidates: Sequence[str], grades: Mapping[str, int], **more: object) -> Question:
    return Question(
        name, f"what of {name}?", tuple(Passage(f"text of {each}", each) for each in candidates), grades, **more
    )


def outcome(*ids: str, scores: Sequence[float] | None = None, **more: object) -> Outcome:
    return Outcome(ids, tuple(range(len(ids), 0, -1)) if scores is None else tuple(scores), **more)


def run_of(name: str = "run", **outcomes: Outcome) -> Run:
    return Run(name, outcomes)


def random_case(seed: int) -> tuple[Collection, dict[str, dict[str, float]]]:
    """A collection with negative grades, unjudged candidates and unjudged questions, and scores with many ties."""
    rng = np.random.default_rng(seed)
    questions, scores = [], {}
    for place in range(12):
        pool = [f"d{each}" for each in rng.permutation(40)]
        judged = pool[: 0 if place == 3 else int(rng.integers(1, 25))]
        grades = {each: int(rng.choice([-2, 0, 1, 2, 3], p=[0.05, 0.45, 0.2, 0.2, 0.1])) for each in judged}
        if place == 4:
            grades = dict.fromkeys(judged, 0)
        found = [pool[i] for i in rng.choice(40, size=int(rng.integers(1, 30)), replace=False)]
        questions.append(question(f"q{place}", found, grades))
        if place not in (5, 6):
            scores[f"q{place}"] = {each: float(rng.integers(0, 6)) / 3.0 for each in found}
    return Collection("random", tuple(questions)), scores
