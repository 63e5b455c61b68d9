"""A small comparison with every kind of run that the report tells apart."""

from __future__ import annotations

import numpy as np

from shortlist import Passage, Usage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.comparing import compare
from shortlist.evaluation.comparison import Comparison, Method
from shortlist.evaluation.outcome import Outcome, Run

N, CANDIDATES = 24, 14
QUICK = Method(resamples=400)


def questions(text: str = "words", n: int = N) -> Collection:
    rng = np.random.default_rng(1)
    made = []
    for at in range(n):
        passages = tuple(Passage(f"{text} {at} {i}", id=f"q{at}-{i}") for i in range(CANDIDATES))
        grades = {str(p.id): int(rng.choice([0, 0, 0, 1, 2])) for p in passages[:-2]}
        made.append(Question(f"q{at}", f"{text}? {at}", passages, {**grades, str(passages[3].id): 2}))
    return Collection(f"{text} collection", tuple(made))


def run(collection: Collection, name: str, noise: float, kind: str, seconds: float, **usage: float) -> Run:
    """Candidates by their grades and so much noise."""
    rng = np.random.default_rng(len(name))
    outcomes = {}
    for question in collection:
        scores = {each: question.grades.get(each, 0) + noise * rng.normal() for each in question.candidates}
        order = sorted(scores, key=lambda each: -scores[each])
        values = [0.5 + np.arctan(scores[each] - 1.0) / np.pi for each in order]
        outcomes[question.id] = Outcome(tuple(order), tuple(map(float, values)), kind, Usage(**usage))
    return Run(name, outcomes, {"name": name}, seconds * len(collection))


def comparison(
    text: str = "words", names: tuple[str, ...] = ("first", "fine", "fast", "poor"), **settings
) -> Comparison:
    collection = questions(text)
    first = Run(
        names[0], {q.id: Outcome(q.candidates, tuple(map(float, range(CANDIDATES, 0, -1))), "rank") for q in collection}
    )
    runs = (
        first,
        run(collection, names[1], 0.2, "probability", 1.5, calls=10, tokens_in=5000, flops=1e12, money=0.01),
        run(collection, names[2], 1.0, "logit", 0.02, calls=1, tokens_in=900, flops=2e9),
        run(collection, names[3], 30.0, "cosine", 0.5, calls=2, tokens_in=100, flops=1e9),
    )
    return compare(runs, collection, settings.pop("measures", ("nDCG@5", "RR")), method=QUICK, **settings)
